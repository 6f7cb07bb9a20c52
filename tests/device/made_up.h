// Profiles of devices that are not there, for plans and choices of kernels without a device.
#pragma once

#include "runtime/graph/device_profile.h"

namespace kiln::test {

// A discrete GPU with no more than most have: workgroups of 256, 16-bit storage.
inline DeviceProfile made_up_card() {
  DeviceProfile device;
  device.kind = DeviceKind::discrete;
  device.features |= kNeedStorage16;
  device.max_workgroup_invocations = 256;
  device.max_workgroup_size = {256, 256, 64};
  device.max_storage_buffers = 8;
  device.max_binding_bytes = 2ull << 30;
  return device;
}

// A large one: subgroups of 32, 48 KiB of shared memory, 16-bit arithmetic, no matrix units.
inline DeviceProfile made_up_desktop() {
  DeviceProfile device;
  device.kind = DeviceKind::discrete;
  device.features |= kNeedStorage16 | kNeedFloat16 | kNeedMemoryModel;
  device.subgroup_size = device.min_subgroup_size = device.max_subgroup_size = 32;
  device.max_workgroup_invocations = 1024;
  device.max_workgroup_size = {1024, 1024, 64};
  device.max_shared_bytes = 49152;
  device.max_storage_buffers = 64;
  return device;
}

}  // namespace kiln::test
