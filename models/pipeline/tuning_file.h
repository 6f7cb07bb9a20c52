// What `kiln tune` found fastest with a driver, kept in the user's cache folder.
#pragma once

#include <filesystem>
#include <functional>
#include <string_view>

#include "runtime/graph/device_profile.h"

namespace kiln {

// One file for each device and driver version in cache_folder(). Throws Error when there is none.
std::filesystem::path tuning_file(const DeviceProfile& device);

// A file that is damaged, of another driver, or names kernels that this build has not, is ignored,
// with one line to warn; so is a missing one, in silence. Choices that a problem cannot be served
// by stay in: lowering passes over them.
TunedKernels read_tuning(const DeviceProfile& device,
                         const std::function<void(std::string_view)>& warn);

// The whole file; no choices: removes it. Throws Error when it cannot be written.
void write_tuning(const DeviceProfile& device, const TunedKernels& choices);

}  // namespace kiln
