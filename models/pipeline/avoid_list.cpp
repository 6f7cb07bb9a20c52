// Names of kernels, short and whole, and those that are remembered for a driver.
#include "models/pipeline/avoid_list.h"

#include <algorithm>

#include "kernels/all.h"
#include "models/pipeline/driver_json.h"
#include "models/sampling/nearest_name.h"
#include "runtime/base/error.h"

namespace kiln {
namespace {

constexpr DriverJson kFile = {.prefix = "avoid-",
                              .key = "avoid",
                              .what = "the list of kernels to avoid",
                              .most_bytes = 1 << 16};

std::vector<std::string> all_names() {
  std::vector<std::string> names;
  for (const KernelInfo* kernel : kernels::all()) names.emplace_back(kernel->name);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

std::string_view without_topic(std::string_view name) { return name.substr(name.rfind('/') + 1); }

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

std::filesystem::path avoid_list_file(const DeviceProfile& device) { return kFile.file(device); }

std::vector<std::string> read_avoid_list(const DeviceProfile& device,
                                         const std::function<void(std::string_view)>& warn) {
  std::vector<std::string> kernels;
  const auto parse = [&](const nlohmann::json& list) {
    kernels = full_kernel_names(list.get<std::vector<std::string>>());
  };
  kFile.read(device, parse, warn);
  return kernels;
}

void write_avoid_list(const DeviceProfile& device, const std::vector<std::string>& kernels) {
  kFile.write(device, kernels);
}

}  // namespace kiln
