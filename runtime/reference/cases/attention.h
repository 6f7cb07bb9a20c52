// Shapes of attention: Stable Diffusion's own, with fewer tokens or heads where the full size takes
// long on software Vulkan (tests/golden/ops holds full sizes), and primes.
#pragma once

#include <cstdint>
#include <string>

#include "runtime/graph/shape.h"

namespace kiln::cases {

struct AttentionCase {
  std::uint32_t batch, queries, keys, heads, head_size;
  bool causal;
};

// A head size is compiled anew, with a mask and without: seconds each for software drivers.
inline constexpr AttentionCase kAttention[] = {
    {1, 256, 256, 8, 40, false}, {2, 256, 77, 8, 40, false},  {2, 64, 64, 8, 80, false},
    {1, 64, 77, 8, 160, false},  {1, 256, 256, 5, 64, false}, {1, 67, 67, 1, 512, false},  // VAE
    {2, 77, 77, 12, 64, true},  // text encoder
    {1, 1, 1, 1, 8, false},      {2, 1, 77, 3, 8, false},     {3, 31, 1, 2, 8, false},
    {2, 67, 67, 3, 13, true},    {1, 37, 37, 2, 1, true},     {1, 61, 127, 1, 13, true},
    {1, 4096, 131, 1, 8, false}, {1, 101, 5, 2, 40, true},    {1, 19, 4096, 1, 8, false},
    {1, 131, 197, 2, 80, false}, {1, 83, 83, 2, 160, false},  {1, 149, 211, 3, 24, false},
};

inline std::string to_text(const AttentionCase& of) {
  return fmt::format("{} x {}x{} heads {}x{}{}", of.batch, of.queries, of.keys, of.heads,
                     of.head_size, of.causal ? " causal" : "");
}

}  // namespace kiln::cases
