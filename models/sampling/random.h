// Seeded noise, the same numbers as PyTorch gives on a CPU or (Philox) on CUDA.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <random>
#include <span>

namespace kiln {

// torch.Generator on a CPU: one stream (mt19937, seeded with the seed's low 32 bits) that every
// draw continues. Source: PyTorch, aten/src/ATen/native/cpu/DistributionTemplates.h.
class TorchCpuRandom {
 public:
  explicit TorchCpuRandom(std::uint64_t seed) : generator_(std::uint32_t(seed)) {}

  std::uint32_t next() { return std::uint32_t(generator_()); }
  void uniforms(std::span<float> out);  // torch.rand: 0 <= value < 1
  void normals(std::span<float> out);   // torch.randn; in half precision it is this, rounded

 private:
  double uniform_53_bits();
  void fill_blocks(std::span<float> out);

  std::mt19937 generator_;
  std::optional<double> kept_;  // second value of a pair, for the next small draw
};

// Philox4x32-10 (Salmon et al., 2011, "Parallel random numbers: as easy as 1, 2, 3").
std::array<std::uint32_t, 4> philox4x32_10(std::array<std::uint32_t, 4> counter,
                                           std::array<std::uint32_t, 2> key);

// Box and Muller: sqrt(-2 ln u) sin(2 pi v) with u = (a + 1/2) / 2^32, v = (b + 1/2) / 2^32, to
// 1e-6. Additions and products of float32 only, in the order of shaders/common/philox.glsl: the
// same bits everywhere.
float normal_from_bits(std::uint32_t a, std::uint32_t b);

// Elements first, first + 1, ... of draw number `draw`: counter (draw, 0, element, 0), key seed.
void philox_normals(std::uint64_t seed, std::uint32_t draw, std::uint32_t first,
                    std::span<float> out);

}  // namespace kiln
