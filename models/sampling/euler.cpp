// Euler, and with fresh noise Euler ancestral (Karras et al., 2022, arXiv 2206.00364; k-diffusion).
#include "models/sampling/sigma_samplers.h"
#include "models/sampling/solvers.h"

namespace kiln {
namespace {

StepTable euler_steps(const SamplerRun& run, bool ancestral) {
  const TimeSchedule schedule = sigma_schedule(run.config, run.noise, run.steps);
  const auto& [times, sigmas] = schedule;
  TableBuilder table(run);
  for (std::uint32_t i = run.start_step; i < run.steps; ++i) {
    table.begin_step();
    table.evaluate(times[i], level_of(sigmas[i]));
    // dx / dsigma is what the network takes for the noise
    if (ancestral) {
      const auto [down, up] = ancestral_step(sigmas[i], sigmas[i + 1], run.eta.value_or(1));
      table.next({table.x() + (down - sigmas[i]) * table.epsilon() + up * table.noise()});
    } else {
      table.next({table.x() + (sigmas[i + 1] - sigmas[i]) * table.epsilon()});
    }
  }
  return table.finish(times, sigmas, level_of(sigmas[run.start_step]),
                      initial_sigma(run, schedule));
}

}  // namespace

StepTable euler(const SamplerRun& run) { return euler_steps(run, false); }
StepTable euler_ancestral(const SamplerRun& run) { return euler_steps(run, true); }

}  // namespace kiln
