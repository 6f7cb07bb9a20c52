// A kernel whose sums have the wrong sign: valid SPIR-V, wrong numbers.
#pragma once

#include <string>

#include "runtime/execution/kernel_replacement.h"

namespace kiln::test {

// Turns every float addition of the kernel of this name into a subtraction, in each element type.
// Throws Error when it has none.
KernelReplacement spoiled(const std::string& kernel);

}  // namespace kiln::test
