// A JSON file a driver: an object of problems, each with a kernel and a tile. Read with suspicion.
#include "models/pipeline/tuning_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "kernels/all.h"
#include "models/pipeline/driver_cache.h"
#include "runtime/base/error.h"
#include "runtime/weights/json_text.h"
#include "runtime/weights/output_file.h"

namespace kiln {
namespace {

namespace fs = std::filesystem;

constexpr int kFormat = 1;
constexpr JsonLimits kLimits = {.bytes = 1 << 20, .depth = 4};
constexpr std::size_t kMostName = 128;  // characters of a problem, a kernel or a tile

bool is_kernel(const std::string& name) {
  const auto all = kernels::all();
  return std::any_of(all.begin(), all.end(),
                     [&](const KernelInfo* kernel) { return kernel->name == name; });
}

std::string checked_text(const nlohmann::json& value, std::string_view allowed) {
  auto text = value.get<std::string>();
  if (text.size() > kMostName || text.find_first_not_of(allowed) != std::string::npos) {
    fail("", "a name in it has other characters or more than expected");
  }
  return text;
}

KernelChoice checked_choice(const nlohmann::json& choice) {
  constexpr std::string_view kNames = "abcdefghijklmnopqrstuvwxyz0123456789_/";
  KernelChoice checked{checked_text(choice.at("kernel"), kNames),
                       checked_text(choice.at("tile"), "0123456789x")};
  if (!is_kernel(checked.kernel)) fail("", "this build has no kernel '{}'", checked.kernel);
  return checked;
}

TunedKernels checked_choices(const fs::path& file, const DeviceProfile& device) {
  constexpr std::string_view kProblems = "abcdefghijklmnopqrstuvwxyz_F0123456789 ->";
  const nlohmann::json json = read_json(file, kLimits);
  if (!json.is_object() || json.value("format", 0) != kFormat) fail("", "it has another format");
  if (json.value("driver", nlohmann::json{}) != driver_identity(device)) {
    fail("", "it is of another device or driver");
  }
  const nlohmann::json& list = json.at("choices");
  if (!list.is_object()) fail("", "it has another format");
  TunedKernels choices;
  for (const auto& [problem, choice] : list.items()) {
    choices.emplace(checked_text(problem, kProblems), checked_choice(choice));
  }
  return choices;
}

}  // namespace

fs::path tuning_file(const DeviceProfile& device) {
  return driver_file(device, "tuning-", ".json");
}

TunedKernels read_tuning(const DeviceProfile& device,
                         const std::function<void(std::string_view)>& warn) {
  if (cache_folder().empty()) return {};
  const fs::path file = tuning_file(device);
  std::error_code ignored;
  if (!fs::exists(file, ignored)) return {};
  try {
    return checked_choices(file, device);
  } catch (const std::exception& error) {
    if (warn) {
      warn(fmt::format("what kiln tune found, in '{}', is ignored: {}", file.string(),
                       json_complaint(error)));
    }
    return {};
  }
}

void write_tuning(const DeviceProfile& device, const TunedKernels& choices) {
  const fs::path file = tuning_file(device);
  if (choices.empty()) {
    std::error_code error;
    fs::remove(file, error);
    if (error) fail(file.string(), "cannot be removed: {}", error.message());
    return;
  }
  make_folder_of(file);
  nlohmann::json list = nlohmann::json::object();
  for (const auto& [problem, choice] : choices) {
    list[problem] = {{"kernel", choice.kernel}, {"tile", choice.tile}};
  }
  const nlohmann::json json = {
      {"format", kFormat}, {"driver", driver_identity(device)}, {"choices", list}};
  const std::string text =
      json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  write_file(file, std::as_bytes(std::span(text)));
}

}  // namespace kiln
