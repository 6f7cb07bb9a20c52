// Kernels to do without: their names, and what is remembered of them for a driver.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/graph/device_profile.h"

namespace kiln {

// Full names of kernels, each once. A name is a kernel's full one ("norm/group_norm") or what
// follows the topic ("group_norm"). Throws Error (usage) for any other, naming the nearest.
std::vector<std::string> full_kernel_names(const std::vector<std::string>& names);

// One file for each device and driver version in cache_folder(). Throws Error when there is none.
std::filesystem::path avoid_list_file(const DeviceProfile& device);

// What `kiln verify` found wrong with this driver. A file that is damaged or of another driver is
// ignored, with one line to warn; so is a missing one, in silence.
std::vector<std::string> read_avoid_list(const DeviceProfile& device,
                                         const std::function<void(std::string_view)>& warn);

// kernels: full names; none removes the file. Throws Error when it cannot be written.
void write_avoid_list(const DeviceProfile& device, const std::vector<std::string>& kernels);

}  // namespace kiln
