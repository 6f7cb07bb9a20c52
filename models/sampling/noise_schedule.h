// The noise a model was trained with, by timestep.
#pragma once

#include <cstddef>
#include <vector>

#include "models/sampling/scheduler_config.h"

namespace kiln {

// A noisy latent is alpha * clean + sigma * noise. Two scalings are in use: variance preserving
// (alpha^2 + sigma^2 = 1) and, for the samplers of Karras et al., 2022, alpha = 1.
struct Level {
  double alpha = 1, sigma = 0;
};

// Level of variance-preserving scale with sigma / alpha = ratio.
Level preserving_level(double ratio);

// Half the logarithm of the signal-to-noise ratio, ln(alpha / sigma) (Lu et al., 2022).
double half_log_snr(const Level& level);

// The training noise of a config. As in the reference, betas and the products of 1 - beta are
// rounded to float32 (at t = 0 that shows in the fifth digit of sigma); all else is double.
class NoiseSchedule {
 public:
  // Throws Error when the betas leave no signal or no noise.
  explicit NoiseSchedule(const SchedulerConfig& config);

  std::size_t size() const { return alpha_bars_.size(); }
  const std::vector<double>& betas() const { return betas_; }
  // Product of 1 - beta up to t, t = 0 .. size() - 1. 0 at the end with zero terminal SNR.
  const std::vector<double>& alpha_bars() const { return alpha_bars_; }
  // sigma / alpha by t; finite also with zero terminal SNR, where the last alpha_bar counts as
  // 2^-24.
  const std::vector<double>& sigmas() const { return sigmas_; }

  // Interpolated between timesteps, linearly or in the logarithm; clamped at both ends.
  double sigma_at(double timestep) const;
  double sigma_at_log(double timestep) const;
  // The timestep of a sigma, interpolated in the logarithm; clamped at both ends.
  double time_of(double sigma) const;

 private:
  std::vector<double> betas_, alpha_bars_, sigmas_;
};

}  // namespace kiln
