// Traffic of dispatches: the bytes each must move at least, counted from its operands.
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/graph/plan.h"

namespace kiln {

struct DispatchBytes {
  std::uint64_t read = 0, written = 0;
  std::uint64_t total() const { return read + written; }
};

// One entry a dispatch of the plan. Each distinct operand counts once, whole, for each direction in
// which the kernel may touch it; what caches save or a kernel fetches again is not seen. Where an
// operation is launched in bands with the same operands, they share its bytes by their workgroups.
std::vector<DispatchBytes> dispatch_bytes(const Plan& plan);

}  // namespace kiln
