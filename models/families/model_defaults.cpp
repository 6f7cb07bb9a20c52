// Strict reading of kiln.json: what is not understood is refused by name.
#include "models/families/model_defaults.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "models/sampling/samplers.h"
#include "runtime/base/error.h"
#include "runtime/weights/json_file.h"

namespace kiln {
namespace {

constexpr std::array<std::string_view, 4> kKeys = {"steps", "cfg_scale", "sampler", "schedule"};
constexpr std::int64_t kMostSteps = 1000;
constexpr double kMostGuidance = 100;

// The sampler and the schedule under Kiln's names, if they go together.
void read_sampler(const Config& config, const SchedulerConfig& scheduler, ModelDefaults& defaults) {
  defaults.sampler = config.text("sampler", "");
  defaults.schedule = config.text("schedule", "");
  SamplerChoice choice;
  try {
    choice = complete({.sampler = defaults.sampler, .schedule = defaults.schedule}, scheduler);
  } catch (const Error& error) {  // the file is at fault, not the caller
    fail(config.place(), "{}", error.what());
  }
  if (!defaults.sampler.empty()) defaults.sampler = choice.sampler;
  defaults.schedule = choice.schedule;  // a sampler's name may have ended in one
}

}  // namespace

ModelDefaults read_model_defaults(const std::filesystem::path& folder,
                                  const SchedulerConfig& scheduler) {
  ModelDefaults defaults;
  const std::filesystem::path file = folder / kDefaultsFile;
  if (!std::filesystem::exists(file)) return defaults;
  const Config config = Config::read(file);
  for (const std::string& key : config.keys()) {
    if (std::find(kKeys.begin(), kKeys.end(), key) == kKeys.end()) {
      fail(config.place(), "key '{}' is not known; known are {}", key.substr(0, 40),
           fmt::join(kKeys, ", "));
    }
  }
  if (config.has("steps")) {
    defaults.steps = std::uint32_t(config.integer("steps", 1, kMostSteps));
  }
  if (config.has("cfg_scale")) {
    defaults.guidance = float(config.number("cfg_scale", 0, kMostGuidance));
  }
  if (config.has("sampler") || config.has("schedule")) read_sampler(config, scheduler, defaults);
  return defaults;
}

}  // namespace kiln
