// ModelDefaults: the settings that a model folder asks for where the user names none.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "models/sampling/scheduler_config.h"

namespace kiln {

// The file in a model's folder, beside model_index.json; a folder need not have one.
inline constexpr const char* kDefaultsFile = "kiln.json";

// Each key may be absent; then Kiln's own default holds.
struct ModelDefaults {
  std::optional<std::uint32_t> steps;  // key "steps", 1 to 1000
  std::optional<float> guidance;       // key "cfg_scale", 0 to 100; 1 or less: no guidance
  std::string sampler;   // key "sampler", a name of all_samplers(); empty: scheduler's
  std::string schedule;  // key "schedule", a name of all_schedules()
};

// Reads folder/kiln.json; no such file: no defaults. scheduler: the model's, which names the
// sampler where the file does not. Throws Error that names the file and the key for values out of
// range, names that are not known, a schedule that the sampler cannot follow and keys that are not
// listed.
ModelDefaults read_model_defaults(const std::filesystem::path& folder,
                                  const SchedulerConfig& scheduler);

}  // namespace kiln
