// Facts about a device, as plain data: what the planner and the kernel choice may ask.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/graph/dtype.h"
#include "runtime/graph/kernel_info.h"

namespace kiln {

enum class DeviceKind : std::uint8_t { discrete, integrated, virtual_gpu, cpu, other };

// One shape a cooperative-matrix unit multiplies: [m, k] times [k, n] into [m, n].
struct MatrixShape {
  std::uint32_t m = 0, n = 0, k = 0;
  DType input = DType::f16;
  DType accumulator = DType::f32;
  bool operator==(const MatrixShape&) const = default;
};

// A kernel, by full name, and the tile it is launched with (runtime/ops/tuning.h); no tile: the one
// of the tuning table.
struct KernelChoice {
  std::string kernel = {}, tile = {};
  bool operator==(const KernelChoice&) const = default;
};

// By PlannedProblem::name.
using TunedKernels = std::map<std::string, KernelChoice, std::less<>>;

// Defaults are the least that Vulkan 1.2 promises plus subgroup basics, so that a profile made by
// hand in a test is a minimal device.
struct DeviceProfile {
  std::string name = "minimal";
  std::string driver;  // driver name and version
  std::uint32_t vendor_id = 0, device_id = 0, driver_version = 0, api_version = 0;
  DeviceKind kind = DeviceKind::other;

  std::uint32_t features = kNeedSubgroupBasic | kNeedSubgroupArithmetic;  // Need bits it can serve
  std::vector<MatrixShape> matrix_shapes;

  std::uint32_t subgroup_size = 4;  // the default one
  std::uint32_t min_subgroup_size = 4, max_subgroup_size = 4;
  bool subgroup_size_control = false;

  std::uint32_t max_workgroup_invocations = 128;
  std::array<std::uint32_t, 3> max_workgroup_size = {128, 128, 64};
  std::array<std::uint32_t, 3> max_grid = {65535, 65535, 65535};
  std::uint32_t max_shared_bytes = 16384;
  std::uint32_t max_arguments_bytes = 128;         // push constants
  std::uint32_t max_storage_buffers = 4;           // per stage
  std::uint64_t max_binding_bytes = 128ull << 20;  // maxStorageBufferRange
  std::uint64_t max_allocation_bytes = 1ull << 30;
  std::uint32_t binding_alignment = 256;  // minStorageBufferOffsetAlignment

  // Turns that all loops of one invocation may take together. Drivers that end loops early say
  // nothing and leave wrong results.
  std::uint64_t max_loop_turns = std::numeric_limits<std::uint64_t>::max();

  // Work that surely ends well inside a driver's watchdog, for one dispatch and one submission.
  std::uint64_t max_dispatch_flops = 4'000'000'000ull;
  std::uint64_t max_submission_flops = 20'000'000'000ull;

  // Kernels not to be used, by full name ("norm/group_norm"): the user's wish, not the device's.
  std::vector<std::string> avoided_kernels = {};

  // What was measured to be fastest here; obeyed where it can be.
  TunedKernels tuned_kernels = {};

  // Whether a pipeline can have subgroups of just this size.
  bool has_subgroups_of(std::uint32_t size) const {
    if (!subgroup_size_control) return size == subgroup_size;
    return size >= min_subgroup_size && size <= max_subgroup_size && (size & (size - 1)) == 0;
  }
  bool serves(std::uint32_t needs) const { return (needs & ~features) == 0; }
  bool avoids(std::string_view kernel) const {
    return std::find(avoided_kernels.begin(), avoided_kernels.end(), kernel) !=
           avoided_kernels.end();
  }
  // Whether a kernel may be chosen: the device has what it needs, and nobody wants it avoided.
  bool may_use(const KernelInfo& kernel) const {
    return serves(kernel.needs) && !avoids(kernel.name);
  }
};

}  // namespace kiln
