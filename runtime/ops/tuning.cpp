// Tile sizes; rows are tried from the top, the first whose condition holds is taken.
#include "runtime/ops/tuning.h"

#include <algorithm>

namespace kiln {

MatmulTile matmul_tile(const DeviceProfile& device, std::uint32_t rows, std::uint32_t) {
  // A CPU runs a subgroup as one vector: one subgroup a workgroup keeps x's values uniform.
  if (device.kind == DeviceKind::cpu) {
    const std::uint32_t lanes = std::clamp(device.subgroup_size, 4u, 16u);
    if (rows >= 16) return {.lanes = lanes, .group_rows = 1, .rows = 16};
    return {.lanes = lanes, .group_rows = 1, .rows = rows >= 4 ? 4u : 1u};
  }
  if (rows >= 32) return {.lanes = 16, .group_rows = 4, .rows = 8};
  return {.lanes = 16, .group_rows = 4, .rows = 2};
}

std::uint32_t matmul_broadcast_rows(const DeviceProfile& device, std::uint32_t rows) {
  // More rows share a load of weights; wide vectors have more registers to keep their sums in.
  if (rows >= 32 && device.subgroup_size >= 16) return 32;
  if (rows >= 16) return 16;
  return rows >= 4 ? 4 : 1;
}

std::uint32_t norm_workgroup(const DeviceProfile& device, std::uint64_t units) {
  // A software device switches contexts at every barrier: few, long lanes are faster there.
  if (device.kind == DeviceKind::cpu) return 16;
  return units <= 64 ? 32 : units <= 512 ? 128 : 256;
}

std::uint32_t attention_workgroup(const DeviceProfile& device) {
  return device.kind == DeviceKind::cpu ? std::clamp(device.subgroup_size, 4u, 16u) : 64;
}

}  // namespace kiln
