// JSON files of the cache folder, one for each device and driver version: written by the program
// and read with suspicion.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string_view>

#include "runtime/graph/device_profile.h"

namespace kiln {

// A kind of such files.
struct DriverJson {
  std::string_view prefix;  // of its name
  std::string_view key;     // under which the contents lie
  std::string_view what;    // it holds, for warnings: "the list of kernels to avoid"
  std::uint64_t most_bytes = 0;

  // Throws Error when there is no cache folder.
  std::filesystem::path file(const DeviceProfile& device) const;
  // Hands the contents to `parse`, which may throw. Without a file nothing happens; one that is
  // damaged, of another driver, or refused by `parse` is ignored with one line to warn.
  void read(const DeviceProfile& device, const std::function<void(const nlohmann::json&)>& parse,
            const std::function<void(std::string_view)>& warn) const;
  // The whole file; empty contents: removes it. Throws Error when it cannot be written.
  void write(const DeviceProfile& device, const nlohmann::json& contents) const;
};

}  // namespace kiln
