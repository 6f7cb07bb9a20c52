// value * gelu(gate) in double.
#pragma once

#include "runtime/reference/elementwise.h"

namespace kiln::reference {

// x: rows of [value | gate], `channels` numbers each.
inline std::vector<double> geglu(const std::vector<double>& x, std::size_t channels) {
  std::vector<double> y(x.size() / 2);
  for (std::size_t i = 0; i < y.size(); ++i) {
    const std::size_t value = i / channels * 2 * channels + i % channels;
    y[i] = x[value] * gelu(x[value + channels]);
  }
  return y;
}

}  // namespace kiln::reference
