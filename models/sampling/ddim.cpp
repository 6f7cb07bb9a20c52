// DDIM: from noise to noise through the predicted clean latent (Song et al., 2021,
// arXiv 2010.02502).
#include <algorithm>
#include <cmath>

#include "models/sampling/solvers.h"
#include "models/sampling/time_schedule.h"
#include "models/sampling/whole_levels.h"

namespace kiln {

StepTable ddim(const SamplerRun& run) {
  const auto times = whole_timesteps(run.config, run.steps);
  const auto& alpha_bars = run.noise.alpha_bars();
  const double last = run.config.set_alpha_to_one.value_or(true) ? 1 : alpha_bars[0];
  const double eta = run.eta.value_or(0);
  // The reference steps by this much, whatever the spacing
  const std::uint32_t stride = run.config.num_train_timesteps / run.steps;
  TableBuilder table(run);
  for (std::uint32_t i = run.start_step; i < run.steps; ++i) {
    const double now = alpha_bars[times[i]];
    const double after = times[i] >= stride ? alpha_bars[times[i] - stride] : last;
    table.begin_step();
    table.evaluate(times[i], level_at(run.noise, times[i]));
    // Equations 12 and 16
    const double variance = eta * eta * (1 - after) / (1 - now) * (1 - now / after);
    Blend next = std::sqrt(after) * table.clean() +
                 std::sqrt(std::max(1 - after - variance, 0.0)) * table.epsilon();
    if (eta > 0) next += std::sqrt(variance) * table.noise();
    table.next({next});
  }
  return table.finish(as_doubles(times), {}, level_at(run.noise, times[run.start_step]), 1);
}

}  // namespace kiln
