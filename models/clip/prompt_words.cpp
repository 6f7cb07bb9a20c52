// Unicode comes from utf8proc; the pattern is small enough to be written out.
#include "models/clip/prompt_words.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>

#include "runtime/base/error.h"

namespace kiln {
namespace {

enum class Kind { space, letter, number, other };

Kind kind_of(utf8proc_int32_t code) {
  if ((code >= 0x09 && code <= 0x0d) || code == 0x85) return Kind::space;
  switch (utf8proc_category(code)) {
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
      return Kind::space;
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
      return Kind::letter;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      return Kind::number;
    default:
      return Kind::other;
  }
}

void append(std::string& text, utf8proc_int32_t code) {
  std::array<utf8proc_uint8_t, 4> bytes{};
  const utf8proc_ssize_t count = utf8proc_encode_char(code, bytes.data());
  text.append(reinterpret_cast<const char*>(bytes.data()), std::size_t(count));
}

// One character and where the next begins.
struct Character {
  utf8proc_int32_t code = 0;
  std::size_t end = 0;
};

Character character_at(std::string_view text, std::size_t at) {
  Character character;
  const utf8proc_ssize_t count =
      utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()) + at,
                       utf8proc_ssize_t(text.size() - at), &character.code);
  if (count <= 0) fail_usage("prompt", "byte {} is not UTF-8", at);
  character.end = at + std::size_t(count);
  return character;
}

// Puts marks that follow a character in the order of their combining classes. utf8proc_decompose
// would too, in quadratic time: a prompt may be nothing but marks.
void order_marks(std::vector<utf8proc_int32_t>& codes) {
  const auto rank = [](utf8proc_int32_t code) {
    return utf8proc_get_property(code)->combining_class;
  };
  const auto is_mark = [&](utf8proc_int32_t code) { return rank(code) != 0; };
  for (auto at = codes.begin(); at != codes.end();) {
    const auto first = std::find_if(at, codes.end(), is_mark);
    at = std::find_if_not(first, codes.end(), is_mark);
    std::stable_sort(first, at, [&](auto a, auto b) { return rank(a) < rank(b); });
  }
}

// Unicode's normal form C: canonical decomposition, order of marks, composition.
std::vector<utf8proc_int32_t> composed(std::string_view text) {
  constexpr auto kForm = utf8proc_option_t(UTF8PROC_COMPOSE | UTF8PROC_STABLE);
  std::vector<utf8proc_int32_t> codes;
  for (std::size_t at = 0; at < text.size();) {
    const Character character = character_at(text, at);
    at = character.end;
    std::array<utf8proc_int32_t, 8> parts{};  // no character has more than four
    int boundary_class = 0;
    const utf8proc_ssize_t count = utf8proc_decompose_char(
        character.code, parts.data(), utf8proc_ssize_t(parts.size()), kForm, &boundary_class);
    if (count < 0 || std::size_t(count) > parts.size()) {
      fail_usage("prompt", "cannot be normalized: {}", utf8proc_errmsg(count));
    }
    codes.insert(codes.end(), parts.begin(), parts.begin() + count);
  }
  order_marks(codes);
  const utf8proc_ssize_t size =
      utf8proc_normalize_utf32(codes.data(), utf8proc_ssize_t(codes.size()), kForm);
  if (size < 0) fail_usage("prompt", "cannot be normalized: {}", utf8proc_errmsg(size));
  codes.resize(std::size_t(size));
  return codes;
}

std::string normalized(std::string_view prompt) {
  std::string lower;
  for (const utf8proc_int32_t code : composed(prompt)) {
    constexpr utf8proc_int32_t kDottedI = 0x130;  // the one letter whose lower case is two
    if (code == kDottedI) {
      lower += "i\xcc\x87";
    } else {
      append(lower, utf8proc_tolower(code));
    }
  }
  return lower;
}

// Length of the fixed word that begins at `at`, or 0: special tokens, then contractions.
std::size_t fixed_word(std::string_view text, std::size_t at) {
  static constexpr std::string_view kFixed[] = {
      "<|startoftext|>", "<|endoftext|>", "'s", "'t", "'re", "'ve", "'m", "'ll", "'d"};
  for (const std::string_view word : kFixed) {
    if (text.substr(at).starts_with(word)) return word.size();
  }
  return 0;
}

// True where a special token begins, which ends any other word.
bool special_begins(std::string_view text, std::size_t at) {
  return text[at] == '<' && fixed_word(text, at) > 0;
}

}  // namespace

std::vector<std::string> prompt_words(std::string_view prompt) {
  const std::string text = normalized(prompt);
  std::vector<std::string> words;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at + fixed_word(text, at);
    if (end == at) {
      const Character first = character_at(text, at);
      const Kind kind = kind_of(first.code);
      end = first.end;
      if (kind == Kind::space) {
        at = end;
        continue;
      }
      while (kind != Kind::number && end < text.size() && !special_begins(text, end)) {
        const Character next = character_at(text, end);
        if (kind_of(next.code) != kind) break;
        end = next.end;
      }
    }
    words.push_back(text.substr(at, end - at));
    at = end;
  }
  return words;
}

}  // namespace kiln
