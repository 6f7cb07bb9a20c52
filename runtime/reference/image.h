// Pictures as bytes, in double.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace kiln::reference {

// Half to even; NaN is black.
inline std::uint8_t to_byte(double x) {
  if (std::isnan(x)) return 0;
  return std::uint8_t(std::nearbyint(std::clamp(x / 2 + 0.5, 0.0, 1.0) * 255.0));
}

}  // namespace kiln::reference
