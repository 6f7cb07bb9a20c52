// Group and layer normalization in double.
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

#include "runtime/graph/shape.h"

namespace kiln::reference {

// Statistics per image and group. With shape {rows, 1, 1, channels} and one group this is layer
// normalization.
inline std::vector<double> group_norm(const std::vector<double>& x, const Shape& shape,
                                      const std::vector<double>& scale,
                                      const std::vector<double>& shift, std::size_t groups,
                                      double epsilon) {
  std::vector<double> y(x.size());
  const std::size_t width = shape.channels / groups;
  const double count = double(width) * shape.pixels();
  const auto at = [&](std::size_t image, std::size_t pixel, std::size_t channel) {
    return (image * shape.pixels() + pixel) * shape.channels + channel;
  };
  for (std::size_t image = 0; image < shape.batch; ++image) {
    for (std::size_t first = 0; first < shape.channels; first += width) {
      double mean = 0.0, variance = 0.0;
      const auto each = [&](auto visit) {
        for (std::size_t p = 0; p < shape.pixels(); ++p) {
          for (std::size_t c = first; c < first + width; ++c) visit(at(image, p, c), c);
        }
      };
      each([&](std::size_t i, std::size_t) { mean += x[i] / count; });
      each([&](std::size_t i, std::size_t) { variance += (x[i] - mean) * (x[i] - mean) / count; });
      const double factor = 1.0 / std::sqrt(variance + epsilon);
      each([&](std::size_t i, std::size_t c) {
        y[i] = (x[i] - mean) * factor * scale[c] + shift[c];
      });
    }
  }
  return y;
}

}  // namespace kiln::reference
