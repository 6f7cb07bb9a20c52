// KernelReplacement: other SPIR-V in place of a kernel's own.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "runtime/graph/kernel_info.h"

namespace kiln {

// Returns the words of a module with the same interface, or none to keep the kernel's own. Called
// from several threads at once. For tests that prove that a wrong kernel is found, or that run a
// kernel with an instruction emulated that the device lacks. Which features the words need is not
// checked here; the validation layers do.
using KernelReplacement = std::function<std::vector<std::uint32_t>(const KernelInfo& kernel)>;

}  // namespace kiln
