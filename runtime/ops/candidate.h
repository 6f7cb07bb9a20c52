// Candidate: one of the kernels that can serve an operation, and the choice among a list of them.
#pragma once

#include <span>
#include <string_view>

#include "runtime/base/error.h"
#include "runtime/graph/lowering.h"

namespace kiln {

template <typename Problem>
struct Candidate {
  // The kernel, whose needs the device must serve.
  const KernelInfo& (*kernel)(DType element);
  // Whether the kernel can serve this problem on a device that can run it.
  bool (*fits)(const DeviceProfile& device, DType element, const Problem& problem);
  void (*lower)(Lowering& to, const Problem& problem);
};

// Lowers through the first candidate that can run and fits, or through Lowering::wanted_kernel() if
// that is one of those. what: the operation, for the error.
template <typename Problem>
void lower_through(std::span<const Candidate<Problem>> candidates, Lowering& to,
                   const Problem& problem, std::string_view what) {
  const Candidate<Problem>* chosen = nullptr;
  for (const Candidate<Problem>& candidate : candidates) {
    const KernelInfo& kernel = candidate.kernel(to.element());
    if (!to.device().may_use(kernel) || !candidate.fits(to.device(), to.element(), problem))
      continue;
    if (chosen == nullptr || kernel.name == to.wanted_kernel()) chosen = &candidate;
  }
  if (chosen == nullptr) {
    fail(to.path(), "no {} kernel fits {}{}", what, to.device().name,
         to.device().avoided_kernels.empty() ? "" : " among those not to be avoided");
  }
  chosen->lower(to, problem);
}

}  // namespace kiln
