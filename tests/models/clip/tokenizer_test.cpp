// Ids against those of transformers' tokenizer, and files that are no vocabulary.
#include "models/clip/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "runtime/base/error.h"
#include "runtime/weights/json_text.h"

namespace kiln {
namespace {

using ::testing::HasSubstr;

const std::string kGolden = KILN_SOURCE_DIR "/tests/golden/sd15-tiny/";

Tokenizer golden_tokenizer() {
  return Tokenizer::load(kGolden + "tokenizer/vocab.json", kGolden + "tokenizer/merges.txt");
}

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Tokenizer, IdsEqualTheReferencesForEveryGoldenPrompt) {
  const Tokenizer tokenizer = golden_tokenizer();
  const nlohmann::json prompts = read_json(kGolden + "tokens.json");
  ASSERT_GE(prompts.size(), 40u);
  for (const nlohmann::json& entry : prompts) {
    const std::string prompt = entry["prompt"];
    EXPECT_EQ(tokenizer.encode(prompt),
              entry["ids_full_without_specials"].get<std::vector<std::uint32_t>>())
        << prompt;
    EXPECT_EQ(tokenizer.encode_padded(prompt, 77, tokenizer.end_id()).ids,
              entry["ids"].get<std::vector<std::uint32_t>>())
        << prompt;
  }
}

TEST(Tokenizer, TheWordsThatDoNotFitAreNamed) {
  const Tokenizer tokenizer = Tokenizer::bytes_only(514);
  const PaddedTokens tokens = tokenizer.encode_padded("abc de fg", 7, 9);
  EXPECT_EQ(tokens.kept, 5u);
  EXPECT_EQ(tokens.cut_text, "fg");
  EXPECT_EQ(tokens.ids.size(), 7u);
  EXPECT_EQ(tokens.ids.back(), tokenizer.end_id());
}

TEST(Tokenizer, ShortPromptsArePadded) {
  const Tokenizer tokenizer = Tokenizer::bytes_only(514);
  const PaddedTokens tokens = tokenizer.encode_padded("", 4, 9);
  EXPECT_EQ(tokens.ids,
            (std::vector<std::uint32_t>{tokenizer.start_id(), tokenizer.end_id(), 9, 9}));
  EXPECT_TRUE(tokens.cut_text.empty());
}

TEST(Tokenizer, AVeryLongWordTakesNoQuadraticTime) {
  const Tokenizer tokenizer = golden_tokenizer();
  const std::string word(200'000, 'a');
  EXPECT_GT(tokenizer.encode(word).size(), 1000u);  // quadratic time would outlast the test's limit
}

TEST(Tokenizer, APromptOfNothingButMarksTakesNoQuadraticTime) {
  const Tokenizer tokenizer = Tokenizer::bytes_only(514);
  std::string above, below;
  for (int i = 0; i < 60'000; ++i) {
    above += "\u0301";
    below += "\u0323";
  }
  // Marks below come first, whatever the order they were typed in
  EXPECT_EQ(tokenizer.encode("x" + above + below), tokenizer.encode("x" + below + above));
}

TEST(Tokenizer, LettersAndMarksAreTheSameHoweverTheyWereTyped) {
  const Tokenizer tokenizer = Tokenizer::bytes_only(514);
  const std::pair<const char*, const char*> pairs[] = {
      {"e\u0301", "\u00e9"},              // composed
      {"a\u0302\u0323", "\u1ead"},        // two marks, out of order
      {"\u1112\u1161\u11ab", "\ud55c"},   // Hangul
      {"\u212b", "\u00e5"},               // the sign of the unit, and in small letters
      {"\u0344", "\u0308\u0301"},         // stays apart: excluded from composition
      {"\u03a3\u03a3", "\u03c3\u03c3"}};  // no final sigma
  for (const auto& [typed, same] : pairs) {
    EXPECT_EQ(tokenizer.encode(typed), tokenizer.encode(same)) << same;
  }
  EXPECT_NE(tokenizer.encode("\ufb01"), tokenizer.encode("fi"));  // a ligature is a letter
}

TEST(Tokenizer, TextThatIsNotUtf8IsRefused) {
  const Tokenizer tokenizer = golden_tokenizer();
  EXPECT_THAT(message_of([&] { tokenizer.encode("caf\xe9"); }), HasSubstr("byte 3 is not UTF-8"));
  EXPECT_THAT(message_of([&] { tokenizer.encode("\xed\xa0\x80"); }), HasSubstr("not UTF-8"));
}

TEST(Tokenizer, FilesThatAreNoVocabularyAreRefused) {
  const auto parse = [](const char* vocabulary, const char* merges) {
    return message_of([&] { Tokenizer::parse(vocabulary, merges, "place"); });
  };
  EXPECT_THAT(parse("[]", ""), HasSubstr("must be an object"));
  EXPECT_THAT(parse("{}", ""), HasSubstr("must be an object"));
  EXPECT_THAT(parse("{\"a\": 0, \"b\": 2}", ""), HasSubstr("must be one of 0 to 1"));
  EXPECT_THAT(parse("{\"a\": 0, \"b\": 0}", ""), HasSubstr("must be one of 0 to 1"));
  EXPECT_THAT(parse("{\"a\": -1}", ""), HasSubstr("must be one of 0 to 0"));
  EXPECT_THAT(parse("{\"a\": 0}", ""), HasSubstr("<|startoftext|>"));
  EXPECT_THAT(parse("{\"a\": ", ""), HasSubstr("place"));
}

TEST(Tokenizer, BrokenMergesAreRefused) {
  const std::string vocabulary = read_text_file(kGolden + "tokenizer/vocab.json", 1 << 20);
  for (const char* merges : {"a\n", "a b c\n", " a\n", "a \n", "zzzz qqqq\n"}) {
    EXPECT_THAT(message_of([&] { Tokenizer::parse(vocabulary, merges, "place"); }),
                HasSubstr("place"))
        << merges;
  }
}

}  // namespace
}  // namespace kiln
