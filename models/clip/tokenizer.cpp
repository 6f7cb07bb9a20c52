// Vocabulary, merges and encoding.
#include "models/clip/tokenizer.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <queue>

#include "models/clip/prompt_words.h"
#include "runtime/base/error.h"
#include "runtime/weights/json_text.h"

namespace kiln {
namespace {

constexpr std::string_view kStart = "<|startoftext|>", kEnd = "<|endoftext|>";
constexpr std::string_view kWordEnd = "</w>";
constexpr std::uint32_t kMostEntries = 1 << 20;
constexpr std::uint64_t kMostMergeBytes = 64 << 20;

void append_utf8(std::string& text, std::uint32_t code) {
  if (code < 0x80) {
    text += char(code);
  } else {
    text += char(0xc0 | (code >> 6));
    text += char(0x80 | (code & 0x3f));
  }
}

// The character that stands for each byte in vocabularies: itself where it is printable Latin-1,
// else 256 and up in order. Source: GPT-2's encoder, bytes_to_unicode.
std::array<std::string, 256> byte_characters() {
  std::array<std::string, 256> characters;
  std::uint32_t next = 256;
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    const bool printable =
        (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || (byte >= 174 && byte <= 255);
    append_utf8(characters[byte], printable ? byte : next++);
  }
  return characters;
}

std::uint64_t pair_key(std::uint32_t left, std::uint32_t right) {
  return std::uint64_t(left) << 32 | right;
}

}  // namespace

Tokenizer Tokenizer::load(const std::filesystem::path& vocabulary,
                          const std::filesystem::path& merges) {
  return parse(read_text_file(vocabulary, kMostMergeBytes), read_text_file(merges, kMostMergeBytes),
               vocabulary.parent_path().string());
}

Tokenizer Tokenizer::parse(std::string_view vocabulary, std::string_view merges,
                           std::string_view place) {
  const nlohmann::json object =
      parse_json(vocabulary, fmt::format("{}/vocab.json", place), {.bytes = kMostMergeBytes});
  if (!object.is_object() || object.empty() || object.size() > kMostEntries) {
    fail(place, "vocab.json must be an object of 1 to {} entries", kMostEntries);
  }
  Tokenizer tokenizer;
  tokenizer.size_ = std::uint32_t(object.size());
  std::vector<bool> seen(object.size());
  for (const auto& [token, id] : object.items()) {
    if (!id.is_number_unsigned() || id.get<std::uint64_t>() >= object.size() ||
        seen[id.get<std::size_t>()]) {
      fail(place, "vocab.json: the id of '{}' must be one of 0 to {}, each used once",
           token.substr(0, 40), object.size() - 1);
    }
    seen[id.get<std::size_t>()] = true;
    tokenizer.ids_.emplace(token, id.get<std::uint32_t>());
  }
  tokenizer.start_ = tokenizer.checked_id(std::string(kStart), place);
  tokenizer.end_ = tokenizer.checked_id(std::string(kEnd), place);
  tokenizer.find_bytes(place);
  tokenizer.read_merges(merges, place);
  return tokenizer;
}

Tokenizer Tokenizer::bytes_only(std::uint32_t size) {
  if (size < 514) fail_usage("vocabulary", "has {} entries, at least 514 are needed", size);
  Tokenizer tokenizer;
  tokenizer.size_ = size;
  tokenizer.start_ = size - 2;
  tokenizer.end_ = size - 1;
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    tokenizer.byte_ids_[byte] = byte;
    tokenizer.last_byte_ids_[byte] = 256 + byte;
  }
  tokenizer.ids_ = {{std::string(kStart), size - 2}, {std::string(kEnd), size - 1}};
  return tokenizer;
}

std::optional<std::uint32_t> Tokenizer::find(const std::string& token) const {
  const auto found = ids_.find(token);
  if (found == ids_.end()) return {};
  return found->second;
}

std::uint32_t Tokenizer::checked_id(const std::string& token, std::string_view place) const {
  const auto id = find(token);
  if (!id) fail(place, "vocab.json has no entry '{}'", token.substr(0, 60));
  return *id;
}

void Tokenizer::find_bytes(std::string_view place) {
  const std::array<std::string, 256> characters = byte_characters();
  for (std::size_t byte = 0; byte < 256; ++byte) {
    byte_ids_[byte] = checked_id(characters[byte], place);
    last_byte_ids_[byte] = checked_id(characters[byte] + std::string(kWordEnd), place);
  }
}

// Lines "left right", best first; the first line may be a comment.
void Tokenizer::read_merges(std::string_view text, std::string_view place) {
  std::uint32_t rank = 0, line_number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++line_number;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || (line_number == 1 && line.starts_with("#version"))) continue;
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos || space == 0 || space + 1 == line.size() ||
        line.find(' ', space + 1) != std::string_view::npos) {
      fail(place, "merges.txt line {}: expected two tokens with a space between", line_number);
    }
    const std::string left(line.substr(0, space)), right(line.substr(space + 1));
    const std::uint32_t left_id = checked_id(left, place), right_id = checked_id(right, place);
    const Merge merge{rank++, checked_id(left + right, place)};
    merges_.emplace(pair_key(left_id, right_id), merge);  // a pair listed twice keeps its best rank
  }
}

// Repeatedly joins the adjacent pair of best rank, leftmost first. A heap over a linked list, so
// that a word of n bytes takes n log n steps.
std::vector<std::uint32_t> Tokenizer::encode_word(std::string_view bytes) const {
  struct Symbol {
    std::uint32_t id;
    std::int64_t before, after;  // positions of the neighbours; -1: none
    bool alive;
  };
  struct Candidate {
    std::uint32_t rank;
    std::int64_t left, right;
    std::uint32_t left_id, right_id, result;
    bool operator<(const Candidate& other) const {  // the heap's top is the best rank, leftmost
      return rank != other.rank ? rank > other.rank : left > other.left;
    }
  };
  std::vector<Symbol> symbols;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    const bool last = i + 1 == bytes.size();
    symbols.push_back({last ? last_byte_ids_[byte] : byte_ids_[byte], std::int64_t(i) - 1,
                       last ? -1 : std::int64_t(i) + 1, true});
  }
  std::priority_queue<Candidate> heap;
  const auto consider = [&](std::int64_t left, std::int64_t right) {
    if (left < 0 || right < 0) return;
    const std::uint32_t a = symbols[std::size_t(left)].id, b = symbols[std::size_t(right)].id;
    const auto merge = merges_.find(pair_key(a, b));
    if (merge == merges_.end()) return;
    heap.push({merge->second.rank, left, right, a, b, merge->second.result});
  };
  for (std::size_t i = 0; i + 1 < symbols.size(); ++i) {
    consider(std::int64_t(i), std::int64_t(i) + 1);
  }
  while (!heap.empty()) {
    const Candidate best = heap.top();
    heap.pop();
    Symbol& left = symbols[std::size_t(best.left)];
    Symbol& right = symbols[std::size_t(best.right)];
    const bool current = left.alive && right.alive && left.id == best.left_id &&
                         right.id == best.right_id && left.after == best.right;
    if (!current) continue;
    left.id = best.result;
    left.after = right.after;
    right.alive = false;
    if (right.after >= 0) symbols[std::size_t(right.after)].before = best.left;
    consider(left.before, best.left);
    consider(best.left, left.after);
  }
  std::vector<std::uint32_t> ids;
  for (const Symbol& symbol : symbols) {
    if (symbol.alive) ids.push_back(symbol.id);
  }
  return ids;
}

std::vector<Tokenizer::Word> Tokenizer::encode_words(std::string_view prompt) const {
  std::vector<Word> words;
  for (std::string& text : prompt_words(prompt)) {
    std::vector<std::uint32_t> ids;
    if (text == kStart) {
      ids = {start_};
    } else if (text == kEnd) {
      ids = {end_};
    } else {
      ids = encode_word(text);
    }
    words.push_back({std::move(text), std::move(ids)});
  }
  return words;
}

std::vector<std::uint32_t> Tokenizer::encode(std::string_view prompt) const {
  std::vector<std::uint32_t> ids;
  for (const Word& word : encode_words(prompt)) {
    ids.insert(ids.end(), word.ids.begin(), word.ids.end());
  }
  return ids;
}

PaddedTokens Tokenizer::encode_padded(std::string_view prompt, std::uint32_t length,
                                      std::uint32_t pad_id) const {
  PaddedTokens result;
  result.ids.push_back(start_);
  const std::size_t room = length - 1;  // of which one is the end
  for (const Word& word : encode_words(prompt)) {
    const std::size_t fits = std::min(word.ids.size(), room - result.ids.size());
    result.ids.insert(result.ids.end(), word.ids.begin(), word.ids.begin() + std::ptrdiff_t(fits));
    result.kept += std::uint32_t(fits);
    if (fits < word.ids.size()) {
      result.cut_text += (result.cut_text.empty() ? "" : " ") + word.text;
    }
  }
  result.ids.push_back(end_);
  result.ids.resize(length, pad_id);
  return result;
}

}  // namespace kiln
