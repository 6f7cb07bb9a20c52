// A small JSON file a driver; the program writes it, and reads it with suspicion.
#include "models/pipeline/avoid_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <span>

#include "kernels/all.h"
#include "models/pipeline/driver_cache.h"
#include "models/sampling/nearest_name.h"
#include "runtime/base/error.h"
#include "runtime/weights/json_text.h"
#include "runtime/weights/output_file.h"

namespace kiln {
namespace {

namespace fs = std::filesystem;

constexpr int kFormat = 1;
constexpr JsonLimits kLimits = {.bytes = 1 << 16, .depth = 4};

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
  if (list.value("driver", nlohmann::json{}) != driver_identity(device)) {
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
  return driver_file(device, "avoid-", ".json");
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
  if (kernels.empty()) {
    std::error_code error;
    fs::remove(file, error);
    if (error) fail(file.string(), "cannot be removed: {}", error.message());
    return;
  }
  make_folder_of(file);
  const nlohmann::json list = {
      {"format", kFormat}, {"driver", driver_identity(device)}, {"avoid", kernels}};
  const std::string text =
      list.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  write_file(file, std::as_bytes(std::span(text)));
}

}  // namespace kiln
