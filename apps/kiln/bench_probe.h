// What the host's own vector units do: the floor under software Vulkan.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace kiln::app {

struct HostPeak {
  double gflops = 0;  // float32 multiply-adds in registers, all cores at once; each counts two
  std::uint32_t cores = 0;
  std::string vectors;  // "AVX2" or "NEON"
};

// Runs chains of multiply-adds in vectors of 256 bits (NEON: 128) on every core for half a second
// and takes the best part of it. Nothing on a CPU without AVX2 and FMA, or of another kind.
std::optional<HostPeak> measure_host_peak();

// What the same chains reach now, in some 10 ms: less than the peak while others share the cores.
// GFLOP/s; 0 where there is no peak.
double host_gflops_now();

}  // namespace kiln::app
