// What the samplers over sigma (alpha = 1; Karras et al., 2022) share: the start, ancestral steps.
#pragma once

#include <algorithm>
#include <cmath>

#include "models/sampling/table_builder.h"
#include "models/sampling/time_schedule.h"

namespace kiln {

inline Level level_of(double sigma) { return {1, sigma}; }

// Standard deviation of the noise a run from nothing starts with.
inline double initial_sigma(const SamplerRun& run, const TimeSchedule& schedule) {
  const double most = std::ranges::max(schedule.sigmas);
  return run.config.spacing == Spacing::leading ? std::hypot(most, 1.0) : most;
}

// A step from sigma to sigma_next that goes down further and adds fresh noise, so that
// down^2 + up^2 = sigma_next^2 (k-diffusion, get_ancestral_step; as DDPM's variance for eta = 1).
struct AncestralStep {
  double down, up;
};
inline AncestralStep ancestral_step(double sigma, double sigma_next, double eta) {
  const double variance = (sigma * sigma - sigma_next * sigma_next) / (sigma * sigma);
  const double up = std::min(sigma_next, eta * sigma_next * std::sqrt(variance));
  return {std::sqrt(std::max(sigma_next * sigma_next - up * up, 0.0)), up};
}

}  // namespace kiln
