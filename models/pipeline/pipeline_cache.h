// Pipelines kept between runs: what a driver gives to be given back, one file a driver version.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "runtime/graph/device_profile.h"

namespace kiln {

// For this device, its driver's version and the kernels of this build. Throws Error when there is
// no cache folder.
std::filesystem::path pipeline_cache_file(const DeviceProfile& device);

// Empty when nothing is kept. A file that is truncated, damaged, of another driver or of another
// build is ignored with one line to warn; so is a missing one, in silence.
std::vector<std::byte> read_pipeline_cache(const DeviceProfile& device,
                                           const std::function<void(std::string_view)>& warn);

// Replaces the file, and leaves the newest eight of all devices, drivers and builds. Throws Error
// when it cannot be written.
void write_pipeline_cache(const DeviceProfile& device, std::span<const std::byte> pipelines);

}  // namespace kiln
