// TCD: DDIM to a time s before the next step, then noise up to it (Zheng et al., 2024,
// arXiv 2402.19159, strategic stochastic sampling).
#include <cmath>

#include "models/sampling/consistency_timesteps.h"
#include "models/sampling/solvers.h"
#include "models/sampling/whole_levels.h"

namespace kiln {

StepTable tcd(const SamplerRun& run) {
  const auto times = consistency_timesteps(run.config, run.steps);
  const double eta = run.eta.value_or(0.3);  // gamma of the paper
  TableBuilder table(run);
  for (std::uint32_t i = run.start_step; i < run.steps; ++i) {
    const bool last = i + 1 == run.steps;
    const std::uint32_t next = last ? 0 : times[i + 1];
    const auto before_next = std::uint32_t(std::floor((1 - eta) * next));
    table.begin_step();
    table.evaluate(times[i], level_at(run.noise, times[i]));
    const auto [alpha, sigma] = level_at(run.noise, before_next);
    Blend x = alpha * table.clean() + sigma * table.epsilon();
    if (eta > 0 && !last) {
      const double kept = run.noise.alpha_bars()[next] / run.noise.alpha_bars()[before_next];
      x = std::sqrt(kept) * x + std::sqrt(1 - kept) * table.noise();
    }
    table.next({x});
  }
  return table.finish(as_doubles(times), {}, level_at(run.noise, times[run.start_step]), 1);
}

}  // namespace kiln
