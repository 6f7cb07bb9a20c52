// Image: an 8-bit RGB picture; reading PNG and JPEG files, writing PNG.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/pipeline/png_text.h"

namespace kiln {

struct Image {
  std::uint32_t width = 0, height = 0;  // pixels
  std::vector<std::uint8_t> rgb;        // [height, width, 3], rows from the top

  bool operator==(const Image&) const = default;
};

inline constexpr std::uint32_t kLargestImageSide = 16384;
inline constexpr std::uint64_t kMostImagePixels = 100'000'000;

// Any PNG or JPEG as RGB: gray and palettes spread out, 16 bits rounded to 8, CMYK converted, alpha
// composited over white (as A1111 does by default), turned upright as its Exif orientation says.
// Colour profiles are ignored. Throws Error "[file] ..." for another format, a damaged or truncated
// file, and sizes beyond the limits above, which are checked before anything is decoded.
Image load_image(const std::filesystem::path& path);
Image decode_image(std::span<const std::byte> file, std::string_view place);

// An RGB PNG with these texts. Throws Error for an image whose rgb does not match its size.
std::vector<std::uint8_t> encode_png(const Image& image, std::span<const PngText> texts = {});

// The file appears whole or not at all. Throws Error when it cannot be written.
void save_png(const std::filesystem::path& path, const Image& image,
              std::span<const PngText> texts = {});

}  // namespace kiln
