// Makes the small picture files, whole and damaged, that tests read.
#pragma once

#include <lodepng.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/pipeline/image.h"

namespace kiln::testing {

using Bytes = std::vector<std::uint8_t>;

inline std::span<const std::byte> view(const Bytes& bytes) {
  return std::as_bytes(std::span(bytes));
}

// Pseudo-random pixels: the same ones tools outside this repository can make.
Image noise_image(std::uint32_t width, std::uint32_t height, std::uint32_t seed);

// FNV-1a of the pixels.
std::uint64_t hash_of(const Image& image);

// A PNG in exactly this colour type from samples in that type. palette: RGBA entries.
Bytes make_png(unsigned width, unsigned height, LodePNGColorType type, unsigned bits,
               const Bytes& samples, const Bytes& palette = {});

struct JpegOptions {
  int components = 3;  // 1 gray, 3 RGB, 4 CMYK (stored as Adobe does)
  bool progressive = false;
  int orientation = 0;  // 0: no Exif
};
// One colour a row of 8 pixels, so that compression hardly changes it. colours: [rows][components].
Bytes make_jpeg(std::uint32_t width, const std::vector<Bytes>& rows, const JpegOptions& options);

// The PNG with one chunk replaced; keeps its checksum right.
Bytes with_png_size(Bytes png, std::uint32_t width, std::uint32_t height);
// The JPEG with the size in its frame header replaced.
Bytes with_jpeg_size(Bytes jpeg, std::uint16_t width, std::uint16_t height);

void expect_one_line_error(const std::function<void()>& act, std::string_view expected_part);

}  // namespace kiln::testing
