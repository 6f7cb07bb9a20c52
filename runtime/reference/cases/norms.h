// Shapes of normalizations: Stable Diffusion's own, and primes.
#pragma once

#include <cstdint>

#include "runtime/graph/shape.h"

namespace kiln::cases {

struct GroupNormCase {
  Shape shape;
  std::uint32_t groups;
};

inline constexpr GroupNormCase kGroupNorm[] = {
    {{2, 16, 16, 320}, 32}, {{2, 4, 4, 2560}, 32}, {{1, 64, 64, 128}, 32}, {{1, 8, 8, 960}, 32},
    {{1, 32, 32, 512}, 32}, {{3, 7, 5, 33}, 11},   {{2, 1, 1, 13}, 13},    {{1, 1, 3, 2}, 1},
    {{1, 11, 13, 4}, 1},    {{2, 89, 97, 6}, 2},   {{1, 64, 64, 320}, 32}, {{1, 128, 128, 64}, 4},
    {{1, 311, 1, 74}, 2},   {{2, 3, 1, 1028}, 2},
};

inline constexpr Shape kLayerNorm[] = {
    {1, 1, 77, 768},  {2, 8, 8, 320}, {1, 4, 4, 640},  {1, 1, 256, 1280},
    {2, 1, 77, 1024}, {1, 1, 1, 1},   {3, 1, 11, 131}, {1, 1, 5, 2052},
};

}  // namespace kiln::cases
