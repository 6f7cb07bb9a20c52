// Which timesteps and noise levels a run visits.
#pragma once

#include <cstdint>
#include <vector>

#include "models/sampling/noise_schedule.h"

namespace kiln {

// N timesteps, from noisy to clean, and where N + 1 sigmas (sigma / alpha) are used also those; the
// last is where the run ends. Source of all three: diffusers 0.40, set_timesteps of the schedulers.
struct TimeSchedule {
  std::vector<double> timesteps;
  std::vector<double> sigmas;
};

// Whole timesteps, for samplers defined by alpha_bar at them (DDPM, DDIM, PNDM). Throws Error
// (usage) for a sigma rule, which such samplers cannot follow, and for timesteps the model was not
// trained for.
std::vector<std::uint32_t> whole_timesteps(const SchedulerConfig& config, std::uint32_t steps);

// For samplers that follow sigma (Euler, Heun, LMS, DPM2, DPM++ SDE): N points from end to end,
// timesteps may have fractions.
TimeSchedule sigma_schedule(const SchedulerConfig& config, const NoiseSchedule& noise,
                            std::uint32_t steps);

// For samplers that follow ln(alpha / sigma) (DPM++, UniPC, DEIS): N of N + 1 points, whole
// timesteps.
TimeSchedule log_snr_schedule(const SchedulerConfig& config, const NoiseSchedule& noise,
                              std::uint32_t steps);

}  // namespace kiln
