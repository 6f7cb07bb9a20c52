// CLIP's tokenizer: byte-level byte-pair encoding of lower-cased words.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace kiln {

// A prompt as the text encoder wants it: start, words, end, padding.
struct PaddedTokens {
  std::vector<std::uint32_t> ids;  // exactly the length asked for
  std::uint32_t kept = 0;          // tokens of the prompt that fitted
  std::string cut_text;            // the words left out, as normalized; empty: none
};

// Ids equal those of transformers' CLIPTokenizer (NFC, white space collapsed, lower case, no HTML
// unescaping, no text repair). Source: Radford et al., 2021; Sennrich et al., 2016.
class Tokenizer {
 public:
  // Throws Error "[file] ..." for anything that is no vocabulary or no merge list, ids that are not
  // 0 to n - 1, a byte without a token, or missing start and end tokens.
  static Tokenizer load(const std::filesystem::path& vocabulary,
                        const std::filesystem::path& merges);
  // The same from the files' text; place: for messages.
  static Tokenizer parse(std::string_view vocabulary, std::string_view merges,
                         std::string_view place);
  // A vocabulary of `size` entries without merges: the 256 bytes, the 256 bytes that end a word,
  // and at the very end the start and end tokens. For models without files.
  static Tokenizer bytes_only(std::uint32_t size);

  // Ids without start and end. Throws Error (usage) for a prompt that is not UTF-8.
  std::vector<std::uint32_t> encode(std::string_view prompt) const;
  // start, the ids that fit, end, then pad_id up to length (at least 2).
  PaddedTokens encode_padded(std::string_view prompt, std::uint32_t length,
                             std::uint32_t pad_id) const;

  std::uint32_t size() const { return size_; }
  std::uint32_t start_id() const { return start_; }
  std::uint32_t end_id() const { return end_; }
  std::optional<std::uint32_t> find(const std::string& token) const;

 private:
  // A word of the prompt and how many ids it became.
  struct Word {
    std::string text;
    std::vector<std::uint32_t> ids;
  };
  std::vector<Word> encode_words(std::string_view prompt) const;
  std::vector<std::uint32_t> encode_word(std::string_view bytes) const;
  std::uint32_t checked_id(const std::string& token, std::string_view place) const;
  void find_bytes(std::string_view place);
  void read_merges(std::string_view text, std::string_view place);

  struct Merge {
    std::uint32_t rank = 0, result = 0;
  };
  std::unordered_map<std::string, std::uint32_t> ids_;
  std::unordered_map<std::uint64_t, Merge> merges_;  // by (left << 32 | right)
  std::uint32_t byte_ids_[256] = {}, last_byte_ids_[256] = {};
  std::uint32_t size_ = 0, start_ = 0, end_ = 0;
};

}  // namespace kiln
