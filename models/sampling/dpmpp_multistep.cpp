// DPM++ 2M, 3M and their SDE forms: DPM-Solver with differences to earlier predictions (Lu et al.,
// 2022, arXiv 2211.01095, algorithm 2).
#include <algorithm>

#include "models/sampling/dpm_solver.h"
#include "models/sampling/solvers.h"
#include "models/sampling/time_schedule.h"

namespace kiln {
namespace {

// Predictions at step i and, in slots 1 and 2, before.
std::uint32_t multistep_order(const SamplerRun& run, std::uint32_t i) {
  const SchedulerConfig& config = run.config;
  std::uint32_t order = std::min(config.solver_order, i - run.start_step + 1);
  const bool careful = config.lower_order_final && run.steps < kFewSteps;
  if (i + 1 == run.steps && (careful || config.euler_at_final || config.final_sigma_zero)) return 1;
  if (i + 2 == run.steps && careful) order = std::min(order, 2u);
  return order;
}

}  // namespace

StepTable dpmpp_multistep(const SamplerRun& run) {
  const TimeSchedule schedule = log_snr_schedule(run.config, run.noise, run.steps);
  const std::vector<double>&times = schedule.timesteps, &sigmas = schedule.sigmas;
  const DpmAlgorithm algorithm = run.config.algorithm;
  const auto level = [&](std::uint32_t i) { return preserving_level(sigmas[i]); };
  const auto lambda = [&](std::uint32_t i) { return half_log_snr(level(i)); };
  TableBuilder table(run);
  for (std::uint32_t i = run.start_step; i < run.steps; ++i) {
    table.begin_step();
    table.evaluate(times[i], level(i));
    const DpmStep step = dpm_step(algorithm, level(i), level(i + 1));
    const std::uint32_t order = multistep_order(run, i);
    const Blend now = dpm_prediction(algorithm, table), before = slot(1), earlier = slot(2);
    Blend x = step.latent * table.x() + step.prediction * now;
    const double h = lambda(i + 1) - lambda(i);
    if (order == 2) {
      const double ratio = (lambda(i) - lambda(i - 1)) / h;
      x += (run.config.heun_solver ? step.first : step.midpoint) * ((now - before) / ratio);
    } else if (order == 3) {
      const double r0 = (lambda(i) - lambda(i - 1)) / h, r1 = (lambda(i - 1) - lambda(i - 2)) / h;
      const Blend near = (now - before) / r0, far = (before - earlier) / r1;
      const Blend second = (near - far) / (r0 + r1);
      x += step.first * (near + r0 * second) + step.second * second;
    }
    if (draws_noise(algorithm)) x += step.noise * table.noise();
    table.next({x, now, before});
  }
  return table.finish(times, sigmas, level(run.start_step), 1);
}

}  // namespace kiln
