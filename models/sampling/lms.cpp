// LMS: the slope is the polynomial through the last four slopes (Adams-Bashforth with uneven steps;
// k-diffusion, sample_lms).
#include "models/sampling/sigma_samplers.h"
#include "models/sampling/solvers.h"

namespace kiln {
namespace {

constexpr std::uint32_t kOrder = 4;

// Integral from sigmas[i] to sigmas[i + 1] of the Lagrange polynomial that is 1 at sigmas[i - j]
// and 0 at the other newest `order` ones. Gauss-Legendre with two points is exact to degree 3.
double slope_weight(const std::vector<double>& sigmas, std::uint32_t i, std::uint32_t j,
                    std::uint32_t order) {
  const double middle = (sigmas[i] + sigmas[i + 1]) / 2, half = (sigmas[i + 1] - sigmas[i]) / 2;
  double sum = 0;
  for (const double node : {-1 / std::sqrt(3.0), 1 / std::sqrt(3.0)}) {
    const double at = middle + half * node;
    double product = 1;
    for (std::uint32_t k = 0; k < order; ++k) {
      if (k != j) product *= (at - sigmas[i - k]) / (sigmas[i - j] - sigmas[i - k]);
    }
    sum += product * half;
  }
  return sum;
}

}  // namespace

StepTable lms(const SamplerRun& run) {
  const TimeSchedule schedule = sigma_schedule(run.config, run.noise, run.steps);
  const auto& [times, sigmas] = schedule;
  TableBuilder table(run);
  for (std::uint32_t i = run.start_step; i < run.steps; ++i) {
    const std::uint32_t order = std::min(i - run.start_step + 1, kOrder);
    table.begin_step();
    table.evaluate(times[i], level_of(sigmas[i]));
    const Blend slopes[kOrder] = {table.epsilon(), slot(1), slot(2), slot(3)};
    Blend x = table.x();
    for (std::uint32_t j = 0; j < order; ++j) x += slope_weight(sigmas, i, j, order) * slopes[j];
    table.next({x, slopes[0], slopes[1], slopes[2]});
  }
  return table.finish(times, sigmas, level_of(sigmas[run.start_step]),
                      initial_sigma(run, schedule));
}

}  // namespace kiln
