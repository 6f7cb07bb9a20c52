// Activations, scaling and addition in double.
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

#include "runtime/graph/shape.h"

namespace kiln::reference {

inline double silu(double x) { return x / (1.0 + std::exp(-x)); }
inline double gelu(double x) { return 0.5 * x * std::erfc(-x / std::sqrt(2.0)); }
inline double quick_gelu(double x) { return x / (1.0 + std::exp(-1.702 * x)); }

// f(x) for each number.
template <typename Function>
std::vector<double> map(const std::vector<double>& x, Function f) {
  std::vector<double> y;
  y.reserve(x.size());
  for (const double value : x) y.push_back(f(value));
  return y;
}

// a: of this shape; b: like a, or [batch, channels], or [channels].
inline std::vector<double> add(const std::vector<double>& a, const Shape& shape,
                               const std::vector<double>& b) {
  std::vector<double> y(a.size());
  const std::size_t image = std::size_t(shape.pixels()) * shape.channels;
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t from = i;
    if (b.size() != a.size()) {
      from = i % shape.channels + (b.size() > shape.channels ? i / image * shape.channels : 0);
    }
    y[i] = a[i] + b[from];
  }
  return y;
}

}  // namespace kiln::reference
