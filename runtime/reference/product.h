// Linear layers and convolutions in double.
#pragma once

#include <cstddef>
#include <vector>

#include "runtime/graph/shape.h"

namespace kiln::reference {

// Inputs beyond the picture count as zero, so `before` (above and on the left) and the extents of
// the result say all there is to padding.
struct Convolution {
  Shape x, y;
  std::size_t kernel = 1, stride = 1, before = 0;
  std::size_t upscale = 1;  // x is read with each pixel so many times across and down
};

// weight: [out, in, kernel, kernel], as in PyTorch; bias: [out], or empty for none.
inline std::vector<double> conv2d(const Convolution& of, const std::vector<double>& x,
                                  const std::vector<double>& weight,
                                  const std::vector<double>& bias) {
  const std::size_t inputs = of.x.channels, outputs = of.y.channels;
  const std::size_t taps = of.kernel * of.kernel;
  std::vector<double> turned(weight.size());  // [tap, in, out]
  for (std::size_t o = 0; o < outputs; ++o) {
    for (std::size_t i = 0; i < inputs; ++i) {
      for (std::size_t t = 0; t < taps; ++t) {
        turned[(t * inputs + i) * outputs + o] = weight[(o * inputs + i) * taps + t];
      }
    }
  }
  std::vector<double> y(of.y.elements());
  for (std::size_t row = 0; row < of.y.rows(); ++row) {
    double* sums = y.data() + row * outputs;
    for (std::size_t o = 0; o < outputs && !bias.empty(); ++o) sums[o] = bias[o];
    const std::size_t image = row / of.y.pixels(), pixel = row % of.y.pixels();
    for (std::size_t t = 0; t < taps; ++t) {
      const std::size_t in_y = pixel / of.y.width * of.stride + t / of.kernel;
      const std::size_t in_x = pixel % of.y.width * of.stride + t % of.kernel;
      if (in_y < of.before || in_y - of.before >= of.x.height * of.upscale) continue;
      if (in_x < of.before || in_x - of.before >= of.x.width * of.upscale) continue;
      const std::size_t line = (in_y - of.before) / of.upscale;
      const std::size_t source =
          (image * of.x.height + line) * of.x.width + (in_x - of.before) / of.upscale;
      for (std::size_t i = 0; i < inputs; ++i) {
        const double value = x[source * inputs + i];
        const double* w = turned.data() + (t * inputs + i) * outputs;
        for (std::size_t o = 0; o < outputs; ++o) sums[o] += value * w[o];
      }
    }
  }
  return y;
}

// x: [rows, inputs]; weight: [outputs, inputs].
inline std::vector<double> linear(const std::vector<double>& x, const std::vector<double>& weight,
                                  const std::vector<double>& bias, std::uint32_t rows,
                                  std::uint32_t outputs) {
  const auto inputs = std::uint32_t(x.size() / rows);
  return conv2d({.x = {1, 1, rows, inputs}, .y = {1, 1, rows, outputs}}, x, weight, bias);
}

}  // namespace kiln::reference
