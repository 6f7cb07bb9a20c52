// Upsampling, and channels joined and sliced, for numbers of any type.
#pragma once

#include <cstddef>
#include <vector>

#include "runtime/graph/shape.h"

namespace kiln::reference {

template <typename Number>
std::vector<Number> upsample_nearest(const std::vector<Number>& x, const Shape& shape,
                                     std::size_t height, std::size_t width) {
  std::vector<Number> y;
  for (std::size_t image = 0; image < shape.batch; ++image) {
    for (std::size_t i = 0; i < height; ++i) {
      for (std::size_t j = 0; j < width; ++j) {
        const std::size_t line = image * shape.height + i * shape.height / height;
        const std::size_t from = (line * shape.width + j * shape.width / width) * shape.channels;
        const auto first = x.begin() + std::ptrdiff_t(from);
        y.insert(y.end(), first, first + std::ptrdiff_t(shape.channels));
      }
    }
  }
  return y;
}

// Rows of a, `channels_a` numbers each, each followed by the row of b.
template <typename Number>
std::vector<Number> concat(const std::vector<Number>& a, std::size_t channels_a,
                           const std::vector<Number>& b, std::size_t channels_b) {
  std::vector<Number> y;
  for (std::size_t row = 0; row < a.size() / channels_a; ++row) {
    for (std::size_t c = 0; c < channels_a; ++c) y.push_back(a[row * channels_a + c]);
    for (std::size_t c = 0; c < channels_b; ++c) y.push_back(b[row * channels_b + c]);
  }
  return y;
}

template <typename Number>
std::vector<Number> slice_channels(const std::vector<Number>& x, std::size_t channels,
                                   std::size_t first, std::size_t count) {
  std::vector<Number> y;
  for (std::size_t row = 0; row < x.size() / channels; ++row) {
    for (std::size_t c = 0; c < count; ++c) y.push_back(x[row * channels + first + c]);
  }
  return y;
}

}  // namespace kiln::reference
