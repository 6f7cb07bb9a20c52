// Kernels with dot products of 16-bit pairs (VK_VALVE_shader_mixed_float_dot_product) on devices
// without that instruction, so that the rest of them is tested everywhere.
#pragma once

#include "runtime/execution/kernel_replacement.h"
#include "runtime/graph/device_profile.h"

namespace kiln::test {

// Whether the device lacks the instruction but can do its arithmetic in several.
bool needs_emulated_dot(const DeviceProfile& device);

// In kernels that need kNeedMixedDot: each such dot product as two conversions and two
// multiply-adds. Throws Error when a kernel says that it needs it and has none.
std::vector<std::uint32_t> with_emulated_dot(const KernelInfo& kernel);

}  // namespace kiln::test
