// Extents of an activation: up to four, channels last.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>

namespace kiln {

// [batch, height, width, channels], contiguous. A sequence is [batch, 1, tokens, channels]; an
// image read as a sequence of pixels is the same bytes, so no permute exists anywhere.
struct Shape {
  std::uint32_t batch = 1;
  std::uint32_t height = 1;
  std::uint32_t width = 1;
  std::uint32_t channels = 1;

  // Pixels or tokens of one image.
  constexpr std::uint32_t pixels() const { return height * width; }
  // Rows of a matrix [rows(), channels].
  constexpr std::uint32_t rows() const { return batch * height * width; }
  constexpr std::uint64_t elements() const {
    return std::uint64_t(batch) * height * width * channels;
  }
  constexpr Shape with_channels(std::uint32_t count) const { return {batch, height, width, count}; }
  constexpr bool operator==(const Shape&) const = default;
};

inline std::string to_text(const Shape& shape) {
  return fmt::format("{}x{}x{}x{}", shape.batch, shape.height, shape.width, shape.channels);
}

}  // namespace kiln
