// MemoryNeeds: bytes that plans which live together will take, before anything is allocated.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "runtime/graph/plan.h"

namespace kiln {

struct MemoryNeeds {
  std::uint64_t weight_bytes = 0;       // on the device
  std::uint64_t arena_bytes = 0;        // of the plan that needs most; streamed weights pass here
  std::string largest_stage;            // the plan with the largest arena
  std::uint64_t persistent_bytes = 0;   // of tensors that no host reads
  std::uint64_t host_weight_bytes = 0;  // streamed
  std::uint64_t host_result_bytes = 0;  // persistent tensors that the host reads

  // Peak of the device's own memory. What else the host holds (staging copies) is not in it.
  std::uint64_t device_bytes() const { return weight_bytes + arena_bytes + persistent_bytes; }
  std::uint64_t host_bytes() const { return host_weight_bytes + host_result_bytes; }
};

// plans: of one executor; equal weights and equally named tensors count once, as there. alignment:
// of the pieces, DeviceProfile::binding_alignment.
MemoryNeeds memory_needs(std::span<const Plan* const> plans, std::uint64_t alignment);

}  // namespace kiln
