// Work-arounds for single drivers: changes to a device's facts, each with its reason.
#pragma once

#include "runtime/vulkan/device_list.h"

namespace kiln {

// Applies every rule of the table that matches, and lists it in device.quirks.
void apply_quirks(PhysicalDeviceInfo& device);

}  // namespace kiln
