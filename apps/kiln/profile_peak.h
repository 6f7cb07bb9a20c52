// The most a device does in our own shaders: multiply-adds and memory traffic a second.
#pragma once

#include <string>

#include "runtime/execution/open_device.h"

namespace kiln::app {

struct Peaks {
  double gflops = 0;     // GFLOP/s in float32; a multiply-add is two
  double gigabytes = 0;  // GB/s read and written, through a buffer larger than most caches
};

// Runs two small kernels several times on the device and takes the best of each. Takes about a
// second. Throws Error when the device has no clock.
Peaks measure_peaks(const PhysicalDeviceInfo& device);

// GFLOP/s in packed 16-bit multiply-adds; 0 where the device has no 16-bit arithmetic.
double measure_half_peak(const PhysicalDeviceInfo& device);

}  // namespace kiln::app
