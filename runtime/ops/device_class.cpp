// What sets classes of devices apart, from facts alone.
#include "runtime/ops/device_class.h"

namespace kiln {

bool has_many_registers(const DeviceProfile& device) {
  return device.kind == DeviceKind::discrete && device.min_subgroup_size >= 32;
}

bool has_short_subgroups(const DeviceProfile& device) {
  return device.min_subgroup_size < device.max_subgroup_size && device.min_subgroup_size < 32;
}

MatrixShape largest_matrix(const DeviceProfile& device) {
  MatrixShape largest;
  for (const MatrixShape& shape : device.matrix_shapes) {
    if (shape.input != DType::f16 || shape.accumulator != DType::f32 || 32 % shape.k != 0) continue;
    const auto size = [](const MatrixShape& of) { return of.m * of.n * of.k; };
    if (size(shape) > size(largest)) largest = shape;
  }
  return largest;
}

std::uint32_t least_subgroup(const DeviceProfile& device) {
  return device.subgroup_size_control ? device.min_subgroup_size : device.subgroup_size;
}

bool allows_workgroup(const DeviceProfile& device, std::uint32_t x, std::uint32_t y) {
  return x * y <= device.max_workgroup_invocations && x <= device.max_workgroup_size[0] &&
         y <= device.max_workgroup_size[1];
}

bool is_vector_cpu(const DeviceProfile& device) {
  const std::uint32_t lanes = device.subgroup_size;
  return device.kind == DeviceKind::cpu && lanes >= 4 && lanes <= 16 &&
         device.min_subgroup_size == lanes && device.max_subgroup_size == lanes;
}

bool prefers_stacked_projections(const DeviceProfile& device) { return !is_vector_cpu(device); }

bool prefers_halves(const DeviceProfile& device) {
  return device.serves(kNeedStorage16) && (device.kind != DeviceKind::cpu || is_vector_cpu(device));
}

}  // namespace kiln
