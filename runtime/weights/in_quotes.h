// Names from files nobody vouches for, made fit for a message of one line.
#pragma once

#include <string>
#include <string_view>

namespace kiln {

// In single quotes, control characters as '?', at most 120 characters of it.
inline std::string in_quotes(std::string_view name) {
  constexpr std::size_t kLongest = 120;
  std::string text = "'";
  for (const char c : name.substr(0, kLongest)) {
    const auto code = static_cast<unsigned char>(c);
    text += code < 0x20 || code == 0x7f ? '?' : c;
  }
  text += name.size() > kLongest ? "...'" : "'";
  return text;
}

}  // namespace kiln
