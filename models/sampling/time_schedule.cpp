// Spacings and sigma rules.
#include "models/sampling/time_schedule.h"

#include <algorithm>
#include <cmath>

#include "models/sampling/beta_quantile.h"
#include "runtime/base/error.h"

namespace kiln {
namespace {

// Point i of count from first to last; in this order of operations, since results get rounded.
double part(double first, double last, std::uint32_t i, std::uint32_t count) {
  if (count < 2) return first;
  return i + 1 == count ? last : first + double(i) * ((last - first) / double(count - 1));
}

// spare: 1 spreads one point more and drops the last, as the samplers by ln(alpha / sigma) do.
std::vector<double> spaced(const SchedulerConfig& config, std::uint32_t steps, std::uint32_t spare,
                           double total) {
  const double trained = config.num_train_timesteps;
  std::vector<double> times(steps);
  for (std::uint32_t i = 0; i < steps; ++i) {
    const std::uint32_t back = steps + spare - 1 - i;
    switch (config.spacing) {
      case Spacing::leading:
        times[i] = double(back) * std::floor(total / (steps + spare)) + config.steps_offset;
        break;
      case Spacing::linspace:  // a single point is the clean end, as numpy.linspace has it
        times[i] = part(0, total - 1, back, steps + spare);
        break;
      case Spacing::trailing:
        times[i] = std::max(std::nearbyint(total - double(i) * (trained / steps)) - 1, 0.0);
        break;
      case Spacing::sgm_uniform:
        times[i] = part(0, total - 1, steps - i, steps + 1);
        break;
    }
  }
  return times;
}

// most, ..., least by the rule. Karras et al., 2022, equation 5 with rho = 7; Lee et al., 2024.
std::vector<double> ruled(const SchedulerConfig& config, std::uint32_t steps, double most,
                          double least) {
  most = config.sigma_max.value_or(most);
  least = config.sigma_min.value_or(least);
  constexpr double kRho = 7;
  std::vector<double> sigmas(steps);
  for (std::uint32_t i = 0; i < steps; ++i) {
    if (config.sigma_rule == SigmaRule::karras) {
      sigmas[i] =
          std::pow(part(std::pow(most, 1 / kRho), std::pow(least, 1 / kRho), i, steps), kRho);
    } else if (config.sigma_rule == SigmaRule::exponential) {
      sigmas[i] = std::exp(part(std::log(most), std::log(least), i, steps));
    } else {
      constexpr double kShape = 0.6;
      sigmas[i] = least + (most - least) * beta_quantile(part(1, 0, i, steps), kShape);
    }
  }
  return sigmas;
}

// Trained timesteps below the clip of ln(alpha / sigma), which a cosine schedule needs.
double usable_timesteps(const SchedulerConfig& config, const NoiseSchedule& noise) {
  const auto clipped = std::ranges::count_if(
      noise.sigmas(), [&](double sigma) { return -std::log(sigma) < config.lambda_min_clipped; });
  if (std::size_t(clipped) + 1 >= noise.size()) {
    fail("scheduler", "lambda_min_clipped {} leaves no timesteps", config.lambda_min_clipped);
  }
  return double(noise.size()) - double(clipped);
}

}  // namespace

std::vector<std::uint32_t> whole_timesteps(const SchedulerConfig& config, std::uint32_t steps) {
  if (config.sigma_rule != SigmaRule::by_spacing) {
    fail_usage("schedule",
               "karras, exponential and beta place noise levels between timesteps, where this "
               "sampler cannot go; use leading, linspace, trailing or sgm_uniform");
  }
  std::vector<std::uint32_t> whole;
  for (const double time : spaced(config, steps, 0, config.num_train_timesteps)) {
    const double rounded = std::nearbyint(time);
    if (rounded < 0 || rounded >= config.num_train_timesteps) {
      fail_usage("steps", "{} steps ask for timestep {}; the model knows 0 to {}", steps, rounded,
                 config.num_train_timesteps - 1);
    }
    whole.push_back(std::uint32_t(rounded));
  }
  return whole;
}

TimeSchedule sigma_schedule(const SchedulerConfig& config, const NoiseSchedule& noise,
                            std::uint32_t steps) {
  TimeSchedule schedule;
  schedule.timesteps = spaced(config, steps, 0, config.num_train_timesteps);
  auto& [times, sigmas] = schedule;
  if (config.log_linear_interpolation) {  // one sigma more, so that the run ends at the least
    const double most = std::log(noise.sigmas().back()), least = std::log(noise.sigmas().front());
    for (std::uint32_t i = 0; i <= steps; ++i) {
      sigmas.push_back(std::exp(part(most, least, i, steps + 1)));
    }
    if (config.sigma_rule == SigmaRule::by_spacing) return schedule;
  }
  if (!config.log_linear_interpolation) {
    for (const double time : times) {
      sigmas.push_back(config.spacing == Spacing::sgm_uniform ? noise.sigma_at_log(time)
                                                              : noise.sigma_at(time));
    }
  }
  if (config.sigma_rule != SigmaRule::by_spacing) {
    sigmas = ruled(config, steps, sigmas.front(), sigmas.back());
    std::ranges::transform(sigmas, times.begin(), [&](double s) { return noise.time_of(s); });
  }
  sigmas.push_back(config.final_sigma_zero ? 0 : noise.sigmas().front());
  return schedule;
}

TimeSchedule log_snr_schedule(const SchedulerConfig& config, const NoiseSchedule& noise,
                              std::uint32_t steps) {
  TimeSchedule schedule;
  auto& [times, sigmas] = schedule;
  if (config.sigma_rule == SigmaRule::by_spacing) {
    times = spaced(config, steps, 1, usable_timesteps(config, noise));
    for (double& time : times) {
      time = std::nearbyint(time);
      sigmas.push_back(noise.sigma_at(time));
    }
  } else {
    sigmas = ruled(config, steps, noise.sigmas().back(), noise.sigmas().front());
    for (const double sigma : sigmas) {
      // The reference rounds Karras' timesteps and cuts the others' fractions.
      const double time = noise.time_of(sigma);
      times.push_back(config.sigma_rule == SigmaRule::karras ? std::nearbyint(time)
                                                             : std::floor(time + 1e-6));
    }
  }
  sigmas.push_back(config.final_sigma_zero ? 0 : noise.sigmas().front());
  return schedule;
}

}  // namespace kiln
