// DEIS: the predicted noise as a polynomial in ln rho, rho = sigma / alpha, integrated exactly
// (Zhang & Chen, 2023, arXiv 2204.13902, the log-rho variant).
#include <algorithm>
#include <cmath>

#include "models/sampling/solvers.h"
#include "models/sampling/time_schedule.h"

namespace kiln {
namespace {

// Integral over rho from `from` to `to` of the polynomial in ln rho that is 1 at nodes[j] and 0 at
// the other nodes. With u = ln rho the antiderivatives are rho (u - 1) and rho (u^2 - 2u + 2).
double noise_weight(const std::vector<double>& nodes, std::size_t j, double from, double to) {
  std::vector<double> others;
  double divisor = 1;
  for (std::size_t k = 0; k < nodes.size(); ++k) {
    if (k == j) continue;
    others.push_back(std::log(nodes[k]));
    divisor *= std::log(nodes[j]) - others.back();
  }
  const auto antiderivative = [&](double rho) {
    const double u = std::log(rho);
    if (others.empty()) return rho;
    if (others.size() == 1) return rho * (u - 1 - others[0]);
    return rho * (u * u - 2 * u + 2 - (others[0] + others[1]) * (u - 1) + others[0] * others[1]);
  };
  return (antiderivative(to) - antiderivative(from)) / divisor;
}

std::uint32_t deis_order(const SamplerRun& run, std::uint32_t i) {
  std::uint32_t order = std::min(run.config.solver_order, i - run.start_step + 1);
  if (run.config.lower_order_final && run.steps < kFewSteps) {
    order = std::min(order, run.steps - i);
  }
  return order;
}

}  // namespace

StepTable deis(const SamplerRun& run) {
  SchedulerConfig config = run.config;
  config.final_sigma_zero = false;  // ln rho must stay finite
  auto [times, sigmas] = log_snr_schedule(config, run.noise, run.steps);
  // The reference ends the sigma rules where they end
  if (config.sigma_rule != SigmaRule::by_spacing) sigmas.back() = sigmas[run.steps - 1];
  TableBuilder table(run);
  for (std::uint32_t i = run.start_step; i < run.steps; ++i) {
    const Level from = preserving_level(sigmas[i]), to = preserving_level(sigmas[i + 1]);
    table.begin_step();
    table.evaluate(times[i], from);
    const Blend noises[] = {table.epsilon(), slot(1), slot(2)};
    std::vector<double> nodes;
    for (std::uint32_t k = 0; k < deis_order(run, i); ++k) nodes.push_back(sigmas[i - k]);
    Blend x = table.x() / from.alpha;
    for (std::size_t k = 0; k < nodes.size(); ++k) {
      x += noise_weight(nodes, k, sigmas[i], sigmas[i + 1]) * noises[k];
    }
    table.next({to.alpha * x, noises[0], noises[1]});
  }
  return table.finish(times, sigmas, preserving_level(sigmas[run.start_step]), 1);
}

}  // namespace kiln
