// Timesteps of consistency models: some of those they were distilled on.
#pragma once

#include <cstdint>
#include <vector>

#include "models/sampling/scheduler_config.h"

namespace kiln {

// `steps` of the original_inference_steps timesteps of distillation, evenly by index, from noisy to
// clean. Throws Error (usage) for more steps than those (Luo et al., 2023, section 4.3).
std::vector<std::uint32_t> consistency_timesteps(const SchedulerConfig& config,
                                                 std::uint32_t steps);

}  // namespace kiln
