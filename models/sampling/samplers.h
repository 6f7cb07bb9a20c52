// The catalogue of samplers, and step tables from names.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "models/sampling/scheduler_config.h"
#include "models/sampling/step_table.h"
#include "models/sampling/table_builder.h"

namespace kiln {

struct Sampler {
  const char* name;     // as Kiln calls it: "dpmpp_2m"
  const char* title;    // as A1111 does: "DPM++ 2M"
  const char* aliases;  // other names, separated by '|': diffusers, k-diffusion, sd.cpp, ComfyUI
  const char* default_schedule;
  bool takes_eta;
  bool own_timesteps;                   // follows its own timesteps, no schedule can be chosen
  void (*configure)(SchedulerConfig&);  // sets what tells it from its siblings
  StepTable (*build)(const SamplerRun&);
};

std::span<const Sampler> all_samplers();

// leading, linspace, trailing, sgm_uniform, karras, exponential, beta.
std::span<const char* const> all_schedules();

// By name, title or alias; letters' case, spaces, '-', '_' and '.' do not matter.
const Sampler* find_sampler_or_null(std::string_view name);
// Throws Error (usage) that lists the names and the nearest one.
const Sampler& find_sampler(std::string_view name);

struct SamplerChoice {
  std::string sampler = {};   // empty: the one the config names
  std::string schedule = {};  // empty: see complete()
  std::uint32_t steps = 20;
  std::uint32_t start_step = 0;  // steps: nothing is run, the clean latent stays as it is
  float guidance = 7.5f;
  float guidance_rescale = 0;
  std::optional<double> eta = {};  // 0 to 1; only for samplers that take it. Empty: their default
};

// The sampler and the schedule a model's config asks for.
SamplerChoice choice_from_config(const SchedulerConfig& config);

// The choice with Kiln's names filled in. A sampler's name may end in a schedule ("DPM++ 2M
// Karras"). Without a schedule: the config's where it names this sampler, else the sampler's
// default. Throws Error (usage) for names that are not known.
SamplerChoice complete(SamplerChoice choice, const SchedulerConfig& config);

// The table of a run. The config gives the noise the model was trained with and, where the config
// names the chosen sampler, also that sampler's settings. Throws Error (usage) for settings that
// make no sense: steps outside 1 .. the model's timesteps, a schedule the sampler cannot follow,
// eta where it has no meaning.
StepTable make_table(const SamplerChoice& choice, const SchedulerConfig& config);

}  // namespace kiln
