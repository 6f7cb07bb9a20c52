// The shapes that `kiln bench kernels` measures: those of Stable Diffusion's networks.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "apps/kiln/bench_problem.h"

namespace kiln::app {

struct BenchShape {
  BenchProblem problem;
  std::uint32_t count = 1;  // of them in one evaluation of the network
};

struct BenchSet {
  std::string_view name;   // "sd15-512"
  std::string_view title;  // "UNet of Stable Diffusion 1.5, 512x512, guided (batch 2)"
  std::vector<BenchShape> (*shapes)();
  bool for_cpu = true;  // measured on a CPU unless named
};

// "sd15-256", "sd15-512", "vae-256", "vae-512" (decoder and what only the encoder has), "clip",
// "sdxl-1024".
std::span<const BenchSet> bench_sets();

// A problem from its name: "matmul" and "8192x320x2880", "conv" and "2x64x64x320->320 s2" or
// "2x32x32x640->640 up2", "attention" and "2x8x4096x4096x40", "norm" and "group_norm 2x64x64x320
// silu", "elementwise" and "geglu 1x1x8192x2560". Throws Error (usage) that shows the form
// expected.
BenchProblem problem_from_name(std::string_view group, const std::string& name);

}  // namespace kiln::app
