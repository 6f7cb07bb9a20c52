// Exif orientation: reading it and undoing it.
#include <cstring>
#include <utility>

#include "models/pipeline/image_formats.h"

namespace kiln {
namespace {

// Numbers of a TIFF structure, whose first two bytes tell the byte order.
class TiffBytes {
 public:
  TiffBytes(std::span<const std::byte> bytes, bool big_endian)
      : bytes_(bytes), big_endian_(big_endian) {}

  // 0 outside the structure.
  std::uint32_t number(std::size_t offset, std::size_t size) const {
    if (offset > bytes_.size() || size > bytes_.size() - offset) return 0;
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < size; ++i) {
      const std::size_t at = offset + (big_endian_ ? i : size - 1 - i);
      value = value << 8 | std::to_integer<std::uint32_t>(bytes_[at]);
    }
    return value;
  }

 private:
  std::span<const std::byte> bytes_;
  bool big_endian_;
};

}  // namespace

int exif_orientation(std::span<const std::byte> marker) {
  constexpr std::string_view kIntroduction("Exif\0\0", 6);
  constexpr std::uint32_t kOrientationTag = 0x112, kShort = 3;
  if (marker.size() < kIntroduction.size() + 8 ||
      std::memcmp(marker.data(), kIntroduction.data(), kIntroduction.size()) != 0) {
    return 1;
  }
  const auto tiff = marker.subspan(kIntroduction.size());
  const bool big_endian = tiff[0] == std::byte('M');
  const TiffBytes bytes(tiff, big_endian);
  if (bytes.number(2, 2) != 42) return 1;
  const std::size_t directory = bytes.number(4, 4);
  const std::uint32_t entries = bytes.number(directory, 2);
  for (std::size_t i = 0; i < entries; ++i) {
    const std::size_t entry = directory + 2 + 12 * i;
    if (bytes.number(entry, 2) != kOrientationTag || bytes.number(entry + 2, 2) != kShort) continue;
    const std::uint32_t value = bytes.number(entry + 8, 2);
    return value >= 1 && value <= 8 ? int(value) : 1;
  }
  return 1;
}

Image upright(Image image, int orientation) {
  if (orientation <= 1 || orientation > 8) return image;
  const bool turned = orientation >= 5;  // rows become columns
  const bool flip_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool flip_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  Image result{image.width, image.height, std::vector<std::uint8_t>(image.rgb.size())};
  if (turned) std::swap(result.width, result.height);
  for (std::uint32_t y = 0; y < result.height; ++y) {
    for (std::uint32_t x = 0; x < result.width; ++x) {
      std::uint32_t from_x = turned ? y : x, from_y = turned ? x : y;
      if (flip_x) from_x = image.width - 1 - from_x;
      if (flip_y) from_y = image.height - 1 - from_y;
      std::memcpy(&result.rgb[(std::size_t(y) * result.width + x) * 3],
                  &image.rgb[(std::size_t(from_y) * image.width + from_x) * 3], 3);
    }
  }
  return result;
}

}  // namespace kiln
