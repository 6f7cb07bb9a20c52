// Levels at whole timesteps, for the samplers that only visit those.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "models/sampling/noise_schedule.h"

namespace kiln {

inline Level level_at(const NoiseSchedule& noise, std::uint32_t timestep) {
  const double alpha_bar = noise.alpha_bars()[timestep];
  return {std::sqrt(alpha_bar), std::sqrt(1 - alpha_bar)};
}

inline std::vector<double> as_doubles(const std::vector<std::uint32_t>& timesteps) {
  return {timesteps.begin(), timesteps.end()};
}

}  // namespace kiln
