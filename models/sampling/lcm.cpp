// LCM: the clean latent at once, noised again for the next step (Luo et al., 2023,
// arXiv 2310.04378, algorithm 3).
#include <cmath>

#include "models/sampling/consistency_timesteps.h"
#include "models/sampling/solvers.h"
#include "models/sampling/whole_levels.h"

namespace kiln {

StepTable lcm(const SamplerRun& run) {
  const auto times = consistency_timesteps(run.config, run.steps);
  TableBuilder table(run);
  for (std::uint32_t i = run.start_step; i < run.steps; ++i) {
    table.begin_step();
    table.evaluate(times[i], level_at(run.noise, times[i]));
    // Boundary condition, section 4.1: at t = 0 the latent is the clean one
    constexpr double kDataDeviation = 0.5;
    const double scaled = times[i] * run.config.timestep_scaling;
    const double root = std::hypot(scaled, kDataDeviation);
    const double skip = std::pow(kDataDeviation / root, 2), out = scaled / root;
    const Blend clean = out * table.clean() + skip * table.x();
    if (i + 1 == run.steps) {
      table.next({clean});
    } else {
      const auto [alpha, sigma] = level_at(run.noise, times[i + 1]);
      table.next({alpha * clean + sigma * table.noise()});
    }
  }
  return table.finish(as_doubles(times), {}, level_at(run.noise, times[run.start_step]), 1);
}

}  // namespace kiln
