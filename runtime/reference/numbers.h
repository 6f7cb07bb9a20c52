// Numbers that every run and every language makes alike: an integer hash of index and seed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace kiln::reference {

// `count` numbers of size up to `scale`: multiples of scale / 1024, so that they are exact in
// either storage type when scale is a power of two. Also described in
// tests/golden/ops/README.txt.
inline std::vector<float> numbers(std::size_t count, std::uint32_t seed, float scale = 1.0f) {
  std::vector<float> values;
  values.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    std::uint32_t x = std::uint32_t(i) + seed * 0x9e3779b9u;
    x = (x ^ x >> 16) * 0x7feb352du;
    x = (x ^ x >> 15) * 0x846ca68bu;
    x ^= x >> 16;
    values.push_back((float(x >> 21) - 1024.0f) / 1024.0f * scale);
  }
  return values;
}

}  // namespace kiln::reference
