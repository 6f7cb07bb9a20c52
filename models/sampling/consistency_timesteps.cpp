// Every k-th training timestep, and of those the ones a run visits.
#include "models/sampling/consistency_timesteps.h"

#include <algorithm>

#include "runtime/base/error.h"

namespace kiln {

std::vector<std::uint32_t> consistency_timesteps(const SchedulerConfig& config,
                                                 std::uint32_t steps) {
  const std::uint32_t original =
      std::min(config.original_inference_steps, config.num_train_timesteps);
  if (steps > original) {
    fail_usage("steps", "{} steps; this sampler takes at most the {} the model was distilled with",
               steps, original);
  }
  const std::uint32_t stride = config.num_train_timesteps / original;
  std::vector<std::uint32_t> timesteps;
  for (std::uint32_t i = 0; i < steps; ++i) {
    const auto skipped = std::uint32_t(std::uint64_t(i) * original / steps);
    timesteps.push_back((original - skipped) * stride - 1);
  }
  return timesteps;
}

}  // namespace kiln
