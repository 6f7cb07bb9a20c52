// An object of problems, each with a kernel and a tile.
#include "models/pipeline/tuning_file.h"

#include <algorithm>
#include <string>

#include "kernels/all.h"
#include "models/pipeline/driver_json.h"
#include "runtime/base/error.h"

namespace kiln {
namespace {

constexpr DriverJson kFile = {
    .prefix = "tuning-", .key = "choices", .what = "what kiln tune found,", .most_bytes = 1 << 20};
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
                       checked_text(choice.at("tile"), "0123456789x/")};
  if (!is_kernel(checked.kernel)) fail("", "this build has no kernel '{}'", checked.kernel);
  return checked;
}

TunedKernels checked_choices(const nlohmann::json& list) {
  constexpr std::string_view kProblems = "abcdefghijklmnopqrstuvwxyz_F0123456789 ->";
  if (!list.is_object()) fail("", "it has another format");
  TunedKernels choices;
  for (const auto& [problem, choice] : list.items()) {
    choices.emplace(checked_text(problem, kProblems), checked_choice(choice));
  }
  return choices;
}

}  // namespace

std::filesystem::path tuning_file(const DeviceProfile& device) { return kFile.file(device); }

TunedKernels read_tuning(const DeviceProfile& device,
                         const std::function<void(std::string_view)>& warn) {
  TunedKernels choices;
  kFile.read(
      device, [&](const nlohmann::json& list) { choices = checked_choices(list); }, warn);
  return choices;
}

void write_tuning(const DeviceProfile& device, const TunedKernels& choices) {
  nlohmann::json list = nlohmann::json::object();
  for (const auto& [problem, choice] : choices) {
    list[problem] = {{"kernel", choice.kernel}, {"tile", choice.tile}};
  }
  kFile.write(device, list);
}

}  // namespace kiln
