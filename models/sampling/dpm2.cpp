// DPM2: the slope is taken half way, in the logarithm of sigma (Lu et al., 2022, arXiv 2206.00927,
// DPM-Solver-2, in the form of k-diffusion); ancestral: with fresh noise after each step.
#include "models/sampling/sigma_samplers.h"
#include "models/sampling/solvers.h"

namespace kiln {
namespace {

// As the reference lists them: every sigma after the first twice, and a last one more.
std::vector<double> interleaved(const std::vector<double>& sigmas) {
  std::vector<double> list{sigmas.front()};
  for (std::size_t i = 1; i < sigmas.size(); ++i) list.insert(list.end(), 2, sigmas[i]);
  list.push_back(sigmas.back());
  return list;
}

StepTable dpm2_steps(const SamplerRun& run, bool ancestral) {
  const TimeSchedule schedule = sigma_schedule(run.config, run.noise, run.steps);
  const auto& [times, sigmas] = schedule;
  TableBuilder table(run);
  std::vector<double> calls;
  for (std::uint32_t i = 0; i < run.steps; ++i) {
    const double sigma = sigmas[i], next = sigmas[i + 1];
    AncestralStep step{next, 0};
    if (ancestral) step = ancestral_step(sigma, next, run.eta.value_or(1));
    const bool halfway = i + 1 < run.steps && step.down > 0;
    const double middle = halfway ? std::sqrt(sigma * step.down) : step.down;
    calls.push_back(times[i]);
    if (halfway) calls.push_back(run.noise.time_of(middle));
    if (i < run.start_step) continue;
    table.begin_step();
    table.evaluate(times[i], level_of(sigma));
    table.next({table.x() + (middle - sigma) * table.epsilon(), table.x()});
    if (!halfway) continue;
    table.evaluate(calls.back(), level_of(middle));
    Blend x = slot(1) + (step.down - sigma) * table.epsilon();
    if (ancestral) x += step.up * table.noise();
    table.next({x});
  }
  return table.finish(calls, interleaved(sigmas), level_of(sigmas[run.start_step]),
                      initial_sigma(run, schedule));
}

}  // namespace

StepTable dpm2(const SamplerRun& run) { return dpm2_steps(run, false); }
StepTable dpm2_ancestral(const SamplerRun& run) { return dpm2_steps(run, true); }

}  // namespace kiln
