// Samplers by name; from a choice and a model's config to a table.
#include "models/sampling/samplers.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "models/sampling/nearest_name.h"
#include "models/sampling/solvers.h"
#include "runtime/base/error.h"

namespace kiln {
namespace {

using Config = SchedulerConfig;

void as_published(Config&) {}
void plms(Config& config) { config.skip_prk_steps = true; }
void runge_kutta_start(Config& config) { config.skip_prk_steps = false; }
void second_order(Config& config) { config.solver_order = 2; }
void third_order(Config& config) { config.solver_order = 3; }
void with_noise(Config& config) { config.algorithm = DpmAlgorithm::sde_dpmsolver_plus_plus; }

// name, title, aliases, default schedule, takes eta, own timesteps, configure, build
constexpr Sampler kSamplers[] = {
    {"ddpm", "DDPM", "DDPMScheduler", "leading", false, false, as_published, ddpm},
    {"ddim", "DDIM", "DDIMScheduler|ddim_trailing", "leading", true, false, as_published, ddim},
    {"pndm", "PLMS", "PNDM|PNDMScheduler", "leading", false, false, plms, pndm},
    {"pndm_prk", "PNDM RK", "prk", "leading", false, false, runge_kutta_start, pndm},
    {"euler", "Euler", "EulerDiscreteScheduler|k_euler", "linspace", false, false, as_published,
     euler},
    {"euler_a", "Euler a", "EulerAncestralDiscreteScheduler|k_euler_a|euler_ancestral", "linspace",
     true, false, as_published, euler_ancestral},
    {"heun", "Heun", "HeunDiscreteScheduler|k_heun", "linspace", false, false, as_published, heun},
    {"dpm2", "DPM2", "KDPM2DiscreteScheduler|k_dpm_2|dpm_2", "linspace", false, false, as_published,
     dpm2},
    {"dpm2_a", "DPM2 a", "KDPM2AncestralDiscreteScheduler|k_dpm_2_a|dpm_2_ancestral", "linspace",
     true, false, as_published, dpm2_ancestral},
    {"lms", "LMS", "LMSDiscreteScheduler|k_lms", "linspace", false, false, as_published, lms},
    {"dpmpp_2m", "DPM++ 2M", "DPMSolverMultistepScheduler|k_dpmpp_2m|dpm++2m", "linspace", false,
     false, second_order, dpmpp_multistep},
    {"dpmpp_3m", "DPM++ 3M", "dpm++3m", "linspace", false, false, third_order, dpmpp_multistep},
    {"dpmpp_2m_sde", "DPM++ 2M SDE", "k_dpmpp_2m_sde|dpm++2m_sde", "linspace", false, false,
     with_noise, dpmpp_multistep},
    {"dpmpp_2s", "DPM++ 2S", "DPMSolverSinglestepScheduler|dpm++2s", "linspace", false, false,
     second_order, dpmpp_singlestep},
    {"dpmpp_sde", "DPM++ SDE", "DPMSolverSDEScheduler|k_dpmpp_sde|dpm++sde", "linspace", true,
     false, as_published, dpmpp_sde},
    {"deis", "DEIS", "DEISMultistepScheduler", "linspace", false, false, second_order, deis},
    {"unipc", "UniPC", "UniPCMultistepScheduler|uni_pc", "linspace", false, false, second_order,
     unipc},
    {"lcm", "LCM", "LCMScheduler", "leading", false, true, as_published, lcm},
    {"tcd", "TCD", "TCDScheduler", "leading", true, true, as_published, tcd},
};

struct Schedule {
  const char* name;
  Spacing spacing;
  SigmaRule rule;
};
constexpr Schedule kSchedules[] = {
    {"leading", Spacing::leading, SigmaRule::by_spacing},
    {"linspace", Spacing::linspace, SigmaRule::by_spacing},
    {"trailing", Spacing::trailing, SigmaRule::by_spacing},
    {"sgm_uniform", Spacing::sgm_uniform, SigmaRule::by_spacing},
    {"karras", Spacing::linspace, SigmaRule::karras},
    {"exponential", Spacing::linspace, SigmaRule::exponential},
    {"beta", Spacing::linspace, SigmaRule::beta},
};
constexpr const char* kScheduleNames[] = {"leading", "linspace",    "trailing", "sgm_uniform",
                                          "karras",  "exponential", "beta"};

const Schedule* find_schedule_or_null(std::string_view name) {
  const auto same = [&](const Schedule& schedule) {
    return same_name(schedule.name, name) ||
           (same_name(name, "uniform") && schedule.spacing == Spacing::linspace);
  };
  const auto found = std::ranges::find_if(kSchedules, same);
  return found == std::end(kSchedules) ? nullptr : &*found;
}

const Schedule& find_schedule(std::string_view name) {
  if (const Schedule* schedule = find_schedule_or_null(name)) return *schedule;
  fail_usage("schedule", "'{}' is not known; {}", printable_name(name),
             known_names(name, kScheduleNames));
}

// The part of a sampler's name before a schedule's, as in "DPM++ 2M Karras"; empty if there is
// none.
std::string_view before_schedule(std::string_view name, std::string& schedule) {
  const std::size_t space = name.rfind(' ');
  if (space == name.npos || find_schedule_or_null(name.substr(space + 1)) == nullptr) return {};
  schedule = name.substr(space + 1);
  return name.substr(0, space);
}

// What belongs to the model stays; what belongs to a sampler becomes that of the chosen one.
SchedulerConfig adapted(const SchedulerConfig& config, const Sampler& sampler) {
  SchedulerConfig result;
  result.num_train_timesteps = config.num_train_timesteps;
  result.beta_start = config.beta_start;
  result.beta_end = config.beta_end;
  result.beta_schedule = config.beta_schedule;
  result.trained_betas = config.trained_betas;
  result.rescale_betas_zero_snr = config.rescale_betas_zero_snr;
  result.prediction = config.prediction;
  result.steps_offset = config.steps_offset;
  result.set_alpha_to_one = config.set_alpha_to_one;
  result.spacing = find_schedule(sampler.default_schedule).spacing;
  sampler.configure(result);
  return result;
}

void check(const SamplerChoice& choice, const Sampler& sampler, const SchedulerConfig& config) {
  if (choice.steps < 1 || choice.steps > config.num_train_timesteps) {
    fail_usage("steps", "{} is not within 1 to {}, the model's timesteps", choice.steps,
               config.num_train_timesteps);
  }
  if (choice.start_step > choice.steps) {
    fail_usage("start step", "{} lies beyond the {} steps", choice.start_step, choice.steps);
  }
  if (choice.eta && !(*choice.eta >= 0 && *choice.eta <= 1)) {
    fail_usage("eta", "{} is not within 0 to 1", *choice.eta);
  }
  if (choice.eta && !sampler.takes_eta) {
    fail_usage("eta", "sampler {} has none; ddim, euler_a, dpm2_a, dpmpp_sde and tcd do",
               sampler.name);
  }
  if (!std::isfinite(choice.guidance) || !std::isfinite(choice.guidance_rescale)) {
    fail_usage("guidance", "must be a finite number");
  }
}

bool finite(const StepRow& row) {
  bool good = std::isfinite(row.skip_scale) && std::isfinite(row.output_scale) &&
              std::isfinite(row.timestep);
  for (const auto& weights : row.update) {
    for (const float weight : weights) good = good && std::isfinite(weight);
  }
  return good;
}

}  // namespace

std::span<const Sampler> all_samplers() { return kSamplers; }
std::span<const char* const> all_schedules() { return kScheduleNames; }

const Sampler* find_sampler_or_null(std::string_view name) {
  const auto named = [&](const Sampler& sampler) {
    if (same_name(sampler.name, name) || same_name(sampler.title, name)) return true;
    std::string_view rest = sampler.aliases;
    while (!rest.empty()) {
      const std::string_view alias = rest.substr(0, rest.find('|'));
      if (same_name(alias, name)) return true;
      rest.remove_prefix(std::min(alias.size() + 1, rest.size()));
    }
    return false;
  };
  const auto found = std::ranges::find_if(kSamplers, named);
  return found == std::end(kSamplers) ? nullptr : &*found;
}

const Sampler& find_sampler(std::string_view name) {
  if (const Sampler* sampler = find_sampler_or_null(name)) return *sampler;
  std::vector<const char*> names;
  for (const Sampler& sampler : kSamplers) names.push_back(sampler.name);
  fail_usage("sampler", "'{}' is not known; {}", printable_name(name), known_names(name, names));
}

SamplerChoice choice_from_config(const SchedulerConfig& config) {
  SamplerChoice choice;
  choice.sampler = find_sampler(config.class_name).name;
  const bool sde = config.algorithm == DpmAlgorithm::sde_dpmsolver ||
                   config.algorithm == DpmAlgorithm::sde_dpmsolver_plus_plus;
  if (choice.sampler == "dpmpp_2m" && config.solver_order == 3) choice.sampler = "dpmpp_3m";
  if (choice.sampler == "dpmpp_2m" && sde) choice.sampler = "dpmpp_2m_sde";
  if (choice.sampler == "pndm" && !config.skip_prk_steps) choice.sampler = "pndm_prk";
  const auto found = std::ranges::find_if(kSchedules, [&](const Schedule& schedule) {
    return schedule.rule == config.sigma_rule &&
           (schedule.rule != SigmaRule::by_spacing || schedule.spacing == config.spacing);
  });
  choice.schedule = found->name;
  return choice;
}

SamplerChoice complete(SamplerChoice choice, const SchedulerConfig& config) {
  const SamplerChoice own = choice_from_config(config);
  if (choice.sampler.empty()) choice.sampler = own.sampler;
  std::string_view name = choice.sampler;
  std::string schedule;
  if (find_sampler_or_null(name) == nullptr) {
    const std::string_view shorter = before_schedule(name, schedule);
    if (!shorter.empty()) name = shorter;
  }
  const Sampler& sampler = find_sampler(name);
  choice.sampler = sampler.name;
  if (choice.schedule.empty()) choice.schedule = schedule;
  if (sampler.own_timesteps && !choice.schedule.empty() &&
      !same_name(choice.schedule, sampler.default_schedule)) {
    fail_usage("schedule", "{} follows its own timesteps; leave the schedule away", sampler.name);
  }
  if (choice.schedule.empty()) {
    choice.schedule = own.sampler == choice.sampler ? own.schedule : sampler.default_schedule;
  }
  choice.schedule = find_schedule(choice.schedule).name;
  return choice;
}

StepTable make_table(const SamplerChoice& wanted, const SchedulerConfig& config) {
  const SamplerChoice choice = complete(wanted, config);
  const Sampler& sampler = find_sampler(choice.sampler);
  check(choice, sampler, config);
  const SamplerChoice own = choice_from_config(config);
  const bool is_own = own.sampler == choice.sampler;
  SchedulerConfig used = is_own ? config : adapted(config, sampler);
  if (!is_own || own.schedule != choice.schedule) {
    const Schedule& schedule = find_schedule(choice.schedule);
    used.sigma_rule = schedule.rule;
    // A rule spreads sigmas between the ends that the spacing gives
    if (schedule.rule == SigmaRule::by_spacing) used.spacing = schedule.spacing;
  }
  if (choice.start_step == choice.steps) {
    StepTable nothing;
    nothing.clean_scale = 1;
    nothing.noise_scale = 0;
    return nothing;
  }
  StepTable table =
      sampler.build({used, NoiseSchedule(used), choice.steps, choice.start_step, choice.eta});
  for (StepRow& row : table.rows) {
    if (!finite(row)) {
      fail_usage("steps", "{} steps of {} with schedule {} are not possible with this model",
                 choice.steps, sampler.name, choice.schedule);
    }
    row.guidance = choice.guidance;
    row.guidance_rescale = choice.guidance_rescale;
  }
  return table;
}

}  // namespace kiln
