// DDPM: the reverse of the noising process, sampled (Ho et al., 2020, arXiv 2006.11239).
#include <algorithm>
#include <cmath>

#include "models/sampling/solvers.h"
#include "models/sampling/time_schedule.h"
#include "models/sampling/whole_levels.h"

namespace kiln {

StepTable ddpm(const SamplerRun& run) {
  const auto times = whole_timesteps(run.config, run.steps);
  const auto& alpha_bars = run.noise.alpha_bars();
  const bool large = run.config.variance_type == VarianceType::fixed_large;
  TableBuilder table(run);
  for (std::uint32_t i = run.start_step; i < run.steps; ++i) {
    const double now = alpha_bars[times[i]];
    const double after = i + 1 < run.steps ? alpha_bars[times[i + 1]] : 1;
    const double alpha = now / after, beta = 1 - alpha;
    table.begin_step();
    table.evaluate(times[i], level_at(run.noise, times[i]));
    // Equation 7, with the steps between two visited timesteps taken as one
    Blend next = std::sqrt(after) * beta / (1 - now) * table.clean() +
                 std::sqrt(alpha) * (1 - after) / (1 - now) * table.x();
    const double variance = large ? beta : std::max((1 - after) / (1 - now) * beta, 1e-20);
    if (times[i] > 0) next += std::sqrt(variance) * table.noise();
    table.next({next});
  }
  return table.finish(as_doubles(times), {}, level_at(run.noise, times[run.start_step]), 1);
}

}  // namespace kiln
