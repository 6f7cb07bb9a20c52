// Weights of a DPM-Solver step.
#include "models/sampling/dpm_solver.h"

#include <cmath>

namespace kiln {

DpmStep dpm_step(DpmAlgorithm algorithm, const Level& from, const Level& to) {
  const double h = half_log_snr(to) - half_log_snr(from);
  const double grown = std::expm1(h), decayed = -std::expm1(-h), decayed2 = -std::expm1(-2 * h);
  const double alpha = to.alpha, sigma = to.sigma;
  switch (algorithm) {
    case DpmAlgorithm::dpmsolver_plus_plus:
      return {sigma / from.sigma,
              alpha * decayed,
              alpha * decayed / 2,
              alpha * (1 - decayed / h),
              alpha * ((decayed - h) / (h * h) + 0.5),
              0};
    case DpmAlgorithm::dpmsolver:
      return {alpha / from.alpha,
              -sigma * grown,
              -sigma * grown / 2,
              -sigma * (grown / h - 1),
              -sigma * ((grown - h) / (h * h) - 0.5),
              0};
    case DpmAlgorithm::sde_dpmsolver_plus_plus:
      return {sigma / from.sigma * std::exp(-h),
              alpha * decayed2,
              alpha * decayed2 / 2,
              alpha * (1 - decayed2 / (2 * h)),
              alpha * ((decayed2 - 2 * h) / (4 * h * h) - 0.5),  // sign as in the reference
              sigma * std::sqrt(decayed2)};
    case DpmAlgorithm::sde_dpmsolver:
      break;
  }
  return {alpha / from.alpha,
          -2 * sigma * grown,
          -sigma * grown,
          -2 * sigma * (grown / h - 1),
          -2 * sigma * ((grown - h) / (h * h) - 0.5),
          sigma * std::sqrt(std::expm1(2 * h))};
}

Blend dpm_prediction(DpmAlgorithm algorithm, const TableBuilder& table) {
  const bool of_clean = algorithm == DpmAlgorithm::dpmsolver_plus_plus ||
                        algorithm == DpmAlgorithm::sde_dpmsolver_plus_plus;
  return of_clean ? table.clean() : table.epsilon();
}

bool draws_noise(DpmAlgorithm algorithm) {
  return algorithm == DpmAlgorithm::sde_dpmsolver ||
         algorithm == DpmAlgorithm::sde_dpmsolver_plus_plus;
}

}  // namespace kiln
