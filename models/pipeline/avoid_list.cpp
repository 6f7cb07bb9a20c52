// A small JSON file a driver; the program writes it, and reads it with suspicion.
#include "models/pipeline/avoid_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <span>

#include "kernels/all.h"
#include "models/sampling/nearest_name.h"
#include "runtime/base/error.h"
#include "runtime/weights/json_text.h"
#include "runtime/weights/output_file.h"

namespace kiln {
namespace {

namespace fs = std::filesystem;

constexpr int kFormat = 1;
constexpr JsonLimits kLimits = {.bytes = 1 << 16, .depth = 4};

// Empty when the environment names none.
fs::path cache_folder() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  if (cache != nullptr && *cache != '\0') return fs::path(cache) / "kiln";
  const char* home = std::getenv("HOME");
  if (home != nullptr && *home != '\0') return fs::path(home) / ".cache" / "kiln";
  return {};
}

// Everything a verdict on a driver hangs on.
nlohmann::json identity(const DeviceProfile& device) {
  return {{"device", device.name},
          {"driver", device.driver},
          {"vendor_id", device.vendor_id},
          {"device_id", device.device_id},
          {"driver_version", device.driver_version}};
}

std::vector<std::string> all_names() {
  std::vector<std::string> names;
  for (const KernelInfo* kernel : kernels::all()) names.emplace_back(kernel->name);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

std::string_view without_topic(std::string_view name) { return name.substr(name.rfind('/') + 1); }

std::vector<std::string> checked_list(const fs::path& file, const DeviceProfile& device) {
  const nlohmann::json list = read_json(file, kLimits);
  if (!list.is_object() || list.value("format", 0) != kFormat) fail("", "it has another format");
  if (list.value("driver", nlohmann::json{}) != identity(device)) {
    fail("", "it is of another device or driver");
  }
  return full_kernel_names(list.at("avoid").get<std::vector<std::string>>());
}

}  // namespace

std::vector<std::string> full_kernel_names(const std::vector<std::string>& names) {
  const std::vector<std::string> known = all_names();
  std::vector<std::string> full;
  for (const std::string& name : names) {
    const auto found = std::find_if(known.begin(), known.end(), [&](const std::string& kernel) {
      return kernel == name || without_topic(kernel) == name;
    });
    if (found == known.end()) {
      std::vector<const char*> short_names;
      for (const std::string& kernel : known) short_names.push_back(without_topic(kernel).data());
      fail_usage("--avoid", "there is no kernel '{}'; {}", printable_name(name),
                 known_names(name, short_names));
    }
    if (std::find(full.begin(), full.end(), *found) == full.end()) full.push_back(*found);
  }
  return full;
}

fs::path avoid_list_file(const DeviceProfile& device) {
  const fs::path folder = cache_folder();
  if (folder.empty()) fail("cache folder", "neither XDG_CACHE_HOME nor HOME is set");
  std::uint64_t hash = 0xcbf29ce484222325ull;  // FNV-1a
  for (const char letter :
       identity(device).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)) {
    hash = (hash ^ std::uint8_t(letter)) * 0x100000001b3ull;
  }
  return folder / fmt::format("avoid-{:016x}.json", hash);
}

std::vector<std::string> read_avoid_list(const DeviceProfile& device,
                                         const std::function<void(std::string_view)>& warn) {
  if (cache_folder().empty()) return {};
  const fs::path file = avoid_list_file(device);
  std::error_code ignored;
  if (!fs::exists(file, ignored)) return {};
  try {
    return checked_list(file, device);
  } catch (const std::exception& error) {
    if (warn) {
      warn(fmt::format("the list of kernels to avoid in '{}' is ignored: {}", file.string(),
                       json_complaint(error)));
    }
    return {};
  }
}

void write_avoid_list(const DeviceProfile& device, const std::vector<std::string>& kernels) {
  const fs::path file = avoid_list_file(device);
  std::error_code error;
  if (kernels.empty()) {
    fs::remove(file, error);
    if (error) fail(file.string(), "cannot be removed: {}", error.message());
    return;
  }
  fs::create_directories(file.parent_path(), error);
  if (error) fail(file.parent_path().string(), "cannot be made: {}", error.message());
  const nlohmann::json list = {
      {"format", kFormat}, {"driver", identity(device)}, {"avoid", kernels}};
  const std::string text =
      list.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  write_file(file, std::as_bytes(std::span(text)));
}

}  // namespace kiln
