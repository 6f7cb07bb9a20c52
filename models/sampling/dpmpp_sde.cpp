// DPM++ SDE: two ancestral steps of the exponential integrator, half way and all the way (Lu et
// al., 2022, arXiv 2211.01095, in the form of k-diffusion's sample_dpmpp_sde).
#include "models/sampling/sigma_samplers.h"
#include "models/sampling/solvers.h"

namespace kiln {

StepTable dpmpp_sde(const SamplerRun& run) {
  const TimeSchedule schedule = sigma_schedule(run.config, run.noise, run.steps);
  const auto& [times, sigmas] = schedule;
  const double eta = run.eta.value_or(1);
  TableBuilder table(run);
  // From x at sigma to `to`, with the clean latent held: exact for the first order.
  const auto step = [&](const Blend& x, double sigma, double to) {
    const auto [down, up] = ancestral_step(sigma, to, eta);
    return down / sigma * x + (1 - down / sigma) * table.clean() + up * table.noise();
  };
  std::vector<double> calls, levels{sigmas[0]};
  for (std::uint32_t i = 0; i < run.steps; ++i) {
    const double sigma = sigmas[i], next = sigmas[i + 1];
    const bool halfway = i + 1 < run.steps;
    const double middle = std::sqrt(sigma * next);
    calls.push_back(times[i]);
    if (halfway) calls.push_back(run.noise.time_of(middle));
    levels.insert(levels.end(), halfway ? 2 : 1, next);
    if (i < run.start_step) continue;
    table.begin_step();
    table.evaluate(times[i], level_of(sigma));
    if (!halfway) {
      table.next({table.x() + (next - sigma) * table.epsilon()});
      break;
    }
    table.next({step(table.x(), sigma, middle), table.x()});
    table.evaluate(calls.back(), level_of(middle));
    table.next({step(slot(1), sigma, next)});
  }
  return table.finish(calls, levels, level_of(sigmas[run.start_step]),
                      initial_sigma(run, schedule));
}

}  // namespace kiln
