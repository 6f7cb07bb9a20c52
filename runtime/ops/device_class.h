// Classes of devices, told apart by facts: what tables of tiles are chosen by.
#pragma once

#include <cstdint>

#include "runtime/graph/device_profile.h"

namespace kiln {

// Workgroups that keep a device of 64 cores busy.
inline constexpr std::uint64_t kEnoughGroups = 128;

// Many lanes a subgroup on a card of its own: 128 registers an invocation and more. Others have
// half of them or fewer before their compilers spill or run fewer subgroups.
bool has_many_registers(const DeviceProfile& device);

// Short subgroups of a size that the compiler chooses: 128 registers an invocation at the most,
// which fewer invocations that each load more exceed.
bool has_short_subgroups(const DeviceProfile& device);

// The most that a unit multiplies at once of 16-bit numbers into float32; m is 0 where there is
// none.
MatrixShape largest_matrix(const DeviceProfile& device);

// The least subgroups have the most registers for sums of matrices: 64 an invocation.
std::uint32_t least_subgroup(const DeviceProfile& device);

// Whether a subgroup is one vector of a CPU, of 4 to 16 lanes.
bool is_vector_cpu(const DeviceProfile& device);

// Whether layers that read the same rows are better one product. To vector CPUs that is worth
// nothing, and their attention is slower where q, k and v are parts of wider rows.
bool prefers_stacked_projections(const DeviceProfile& device);

// Whether 16-bit storage is there, and no slower than 32 bits. CPUs whose subgroups are no vectors
// get kernels that convert such values one by one.
bool prefers_halves(const DeviceProfile& device);

// Whether a workgroup may have x times y invocations.
bool allows_workgroup(const DeviceProfile& device, std::uint32_t x, std::uint32_t y);

}  // namespace kiln
