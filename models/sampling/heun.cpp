// Heun: Euler's step, then again with the mean of both slopes (Karras et al., 2022, algorithm 1).
#include "models/sampling/sigma_samplers.h"
#include "models/sampling/solvers.h"

namespace kiln {

StepTable heun(const SamplerRun& run) {
  const TimeSchedule schedule = sigma_schedule(run.config, run.noise, run.steps);
  const auto& [times, sigmas] = schedule;
  TableBuilder table(run);
  for (std::uint32_t i = run.start_step; i < run.steps; ++i) {
    const double sigma = sigmas[i], next = sigmas[i + 1];
    table.begin_step();
    table.evaluate(times[i], level_of(sigma));
    const Blend slope = table.epsilon();
    table.next({table.x() + (next - sigma) * slope, table.x(), slope});
    if (i + 1 == run.steps) break;  // no slope where the run ends
    table.evaluate(times[i + 1], level_of(next));
    table.next({slot(1) + (next - sigma) / 2 * (slot(2) + table.epsilon())});
  }
  std::vector<double> calls{times[0]}, levels{sigmas[0]};
  for (std::uint32_t i = 1; i < run.steps; ++i) {
    calls.insert(calls.end(), 2, times[i]);
    levels.insert(levels.end(), 2, sigmas[i]);
  }
  levels.push_back(sigmas.back());
  return table.finish(calls, levels, level_of(sigmas[run.start_step]),
                      initial_sigma(run, schedule));
}

}  // namespace kiln
