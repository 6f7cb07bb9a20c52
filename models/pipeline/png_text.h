// Texts inside PNG files: where generation parameters are kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kiln {

struct PngText {
  std::string key;   // 1 to 79 Latin-1 characters
  std::string text;  // UTF-8

  bool operator==(const PngText&) const = default;
};

inline constexpr std::string_view kParametersKey = "parameters";  // A1111's text
inline constexpr std::string_view kReproductionKey = "kiln";      // our own, JSON

// The tEXt, zTXt and iTXt chunks of a PNG file, in order. Throws Error for a file that is no PNG,
// is damaged, or unpacks to more than 16 MiB of text.
std::vector<PngText> read_png_text(const std::filesystem::path& path);
std::vector<PngText> parse_png_text(std::span<const std::byte> file, std::string_view place);

// Chunks ready to be put behind a PNG's header: tEXt where the text is Latin-1, else iTXt. Zero
// bytes become spaces and damaged UTF-8 becomes U+FFFD, as PNG allows neither.
// Source: PNG specification (third edition), 11.3.3.
std::vector<std::uint8_t> png_text_chunks(std::span<const PngText> texts);

// True when the file begins with PNG's signature.
bool is_png(std::span<const std::byte> file);

}  // namespace kiln
