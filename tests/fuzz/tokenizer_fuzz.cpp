// Any prompt and any vocabulary: an answer or an Error, never a crash.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "models/clip/tokenizer.h"
#include "runtime/base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const kiln::Tokenizer bytes = kiln::Tokenizer::bytes_only(514);
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  try {
    const kiln::PaddedTokens tokens = bytes.encode_padded(input, 77, 0);
    if (tokens.ids.size() != 77) __builtin_trap();
  } catch (const kiln::Error&) {
  }
  // The first zero byte splits a vocabulary from its merges.
  const std::size_t split = input.find('\0');
  if (split == std::string_view::npos) return 0;
  try {
    kiln::Tokenizer::parse(input.substr(0, split), input.substr(split + 1), "fuzz");
  } catch (const kiln::Error&) {
  }
  return 0;
}
