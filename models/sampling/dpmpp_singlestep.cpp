// DPM++ 2S: DPM-Solver in groups of steps, each from the latent at the start of its group (Lu et
// al., 2022, arXiv 2211.01095, algorithm 1; 2206.00927, algorithm 2 for order 3).
#include <algorithm>

#include "models/sampling/dpm_solver.h"
#include "models/sampling/solvers.h"
#include "models/sampling/time_schedule.h"

namespace kiln {
namespace {

// The order of each step: 1, 2, ..., order, again and again; the last step may have to be of
// order 1.
std::vector<std::uint32_t> orders(const SchedulerConfig& config, std::uint32_t steps) {
  std::vector<std::uint32_t> list;
  for (std::uint32_t i = 0; i < steps; ++i) list.push_back(i % config.solver_order + 1);
  const bool whole_groups = steps % config.solver_order == 0;
  if (config.final_sigma_zero || (config.lower_order_final && whole_groups)) list.back() = 1;
  return list;
}

}  // namespace

StepTable dpmpp_singlestep(const SamplerRun& run) {
  const TimeSchedule schedule = log_snr_schedule(run.config, run.noise, run.steps);
  const std::vector<double>&times = schedule.timesteps, &sigmas = schedule.sigmas;
  const DpmAlgorithm algorithm = run.config.algorithm;
  const auto level = [&](std::uint32_t i) { return preserving_level(sigmas[i]); };
  const auto lambda = [&](std::uint32_t i) { return half_log_snr(level(i)); };
  const std::vector<std::uint32_t> order_of = orders(run.config, run.steps);
  TableBuilder table(run);
  for (std::uint32_t i = run.start_step; i < run.steps; ++i) {
    table.begin_step();
    table.evaluate(times[i], level(i));
    const std::uint32_t order = std::min(order_of[i], i - run.start_step + 1);
    const std::uint32_t begin = i + 1 - order;  // the group's first step
    const Blend start = order == 1 ? table.x() : slot(1);
    const Blend now = dpm_prediction(algorithm, table);
    const DpmStep step = dpm_step(algorithm, level(begin), level(i + 1));
    const double h = lambda(i + 1) - lambda(begin);
    Blend x = step.latent * start;
    if (order == 1) {
      x += step.prediction * now;
    } else if (order == 2) {
      const double ratio = (lambda(i) - lambda(begin)) / h;
      x += step.prediction * slot(2) +
           (run.config.heun_solver ? step.first : step.midpoint) * ((now - slot(2)) / ratio);
    } else {
      const double r0 = (lambda(i) - lambda(begin)) / h;
      const double r1 = (lambda(begin + 1) - lambda(begin)) / h;
      const Blend near = (slot(2) - slot(3)) / r1, far = (now - slot(3)) / r0;
      x += step.prediction * slot(3);
      if (run.config.heun_solver) {
        x += step.first * ((r0 * near - r1 * far) / (r0 - r1)) +
             step.second * (2.0 * (far - near) / (r0 - r1));
      } else {
        x += step.first * far;
      }
    }
    if (draws_noise(algorithm)) x += step.noise * table.noise();
    table.next({x, start, now, slot(2)});
  }
  return table.finish(times, sigmas, level(run.start_step), 1);
}

}  // namespace kiln
