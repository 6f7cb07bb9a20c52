// Betas, their products, and sigma as a function of time.
#include "models/sampling/noise_schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "runtime/base/error.h"

namespace kiln {
namespace {

// count evenly spaced float32 numbers, counted from both ends as torch.linspace does.
std::vector<float> even_floats(double first, double last, std::size_t count) {
  std::vector<float> points(count, float(first));
  if (count == 1) return points;
  const float begin = float(first), end = float(last);
  const float step = (end - begin) / float(count - 1);
  for (std::size_t i = 0; i < count; ++i) {
    points[i] = i < count / 2 ? float(double(begin) + double(step) * double(i))
                              : float(double(end) - double(step) * double(count - 1 - i));
  }
  return points;
}

// Nichol & Dhariwal, 2021, equation 17: alpha_bar follows a squared cosine; betas up to 0.999.
std::vector<float> cosine_betas(std::size_t count) {
  const auto alpha_bar = [](double t) {
    return std::pow(std::cos((t + 0.008) / 1.008 * std::numbers::pi / 2), 2);
  };
  std::vector<float> betas;
  for (std::size_t i = 0; i < count; ++i) {
    const double now = double(i) / double(count), next = double(i + 1) / double(count);
    betas.push_back(float(std::min(1 - alpha_bar(next) / alpha_bar(now), 0.999)));
  }
  return betas;
}

std::vector<float> betas_of(const SchedulerConfig& config) {
  if (!config.trained_betas.empty()) {
    return {config.trained_betas.begin(), config.trained_betas.end()};
  }
  const std::size_t count = config.num_train_timesteps;
  switch (config.beta_schedule) {
    case BetaSchedule::linear:
      return even_floats(config.beta_start, config.beta_end, count);
    case BetaSchedule::scaled_linear: {  // linear in the square root
      auto betas = even_floats(std::sqrt(config.beta_start), std::sqrt(config.beta_end), count);
      for (float& beta : betas) beta *= beta;
      return betas;
    }
    case BetaSchedule::squaredcos_cap_v2:
      return cosine_betas(count);
  }
  fail("beta_schedule", "is not known");
}

std::vector<float> running_products(const std::vector<float>& betas) {
  std::vector<float> products;
  double product = 1;
  for (const float beta : betas) products.push_back(float(product *= double(1.0f - beta)));
  return products;
}

// Lin et al., 2023, algorithm 1: shift and stretch sqrt(alpha_bar) so that it ends at 0.
std::vector<float> with_zero_terminal_snr(const std::vector<float>& betas) {
  std::vector<float> roots = running_products(betas);
  for (float& root : roots) root = std::sqrt(root);
  const float first = roots.front(), last = roots.back();
  const float stretch = first / (first - last);
  std::vector<float> result;
  float before = 1;
  for (const float root : roots) {
    const float shifted = (root - last) * stretch;
    const float alpha_bar = shifted * shifted;
    result.push_back(1.0f - alpha_bar / before);
    before = alpha_bar;
  }
  return result;
}

// Value of table at a fractional index.
double interpolated(const std::vector<double>& table, double index) {
  if (index <= 0) return table.front();
  if (index >= double(table.size() - 1)) return table.back();
  const std::size_t low = std::size_t(index);
  const double share = index - double(low);
  return (1 - share) * table[low] + share * table[low + 1];
}

}  // namespace

Level preserving_level(double ratio) {
  const double alpha = 1 / std::hypot(1.0, ratio);
  return {alpha, ratio * alpha};
}

double half_log_snr(const Level& level) { return std::log(level.alpha) - std::log(level.sigma); }

NoiseSchedule::NoiseSchedule(const SchedulerConfig& config) {
  std::vector<float> betas = betas_of(config);
  if (config.rescale_betas_zero_snr) betas = with_zero_terminal_snr(betas);
  betas_.assign(betas.begin(), betas.end());
  constexpr double kLeastSignal = 0x1p-24;
  for (const float alpha_bar : running_products(betas)) {
    alpha_bars_.push_back(alpha_bar);
    const double signal = std::max(double(alpha_bar), kLeastSignal);
    sigmas_.push_back(std::sqrt((1 - signal) / signal));
    const bool grows = sigmas_.size() == 1 ? sigmas_[0] > 0 : sigmas_.back() > *(sigmas_.end() - 2);
    if (!grows) {  // also catches NaN
      fail("scheduler", "the betas do not add noise at every timestep; see timestep {}",
           sigmas_.size() - 1);
    }
  }
}

double NoiseSchedule::sigma_at(double timestep) const { return interpolated(sigmas_, timestep); }

double NoiseSchedule::sigma_at_log(double timestep) const {
  if (timestep <= 0 || timestep >= double(size() - 1)) return sigma_at(timestep);
  const std::size_t low = std::size_t(timestep);
  const double share = timestep - double(low);
  return std::exp((1 - share) * std::log(sigmas_[low]) + share * std::log(sigmas_[low + 1]));
}

double NoiseSchedule::time_of(double sigma) const {
  const auto above = std::ranges::upper_bound(sigmas_, sigma);
  if (above == sigmas_.begin()) return 0;
  if (above == sigmas_.end()) return double(size() - 1);
  const double low = std::log(*(above - 1)), high = std::log(*above);
  return double(above - sigmas_.begin() - 1) + (std::log(sigma) - low) / (high - low);
}

}  // namespace kiln
