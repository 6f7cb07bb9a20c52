// PNDM: linear multistep over the network's output, with or without a Runge-Kutta start (Liu et
// al., 2022, arXiv 2202.09778). Without one it is known as PLMS.
#include <cmath>

#include "models/sampling/solvers.h"
#include "models/sampling/time_schedule.h"
#include "models/sampling/whole_levels.h"
#include "runtime/base/error.h"

namespace kiln {
namespace {

constexpr std::uint32_t kRungeKuttaSteps = 3;

class Pndm {
 public:
  explicit Pndm(const SamplerRun& run)
      : run_(run),
        times_(whole_timesteps(run.config, run.steps)),
        stride_(run.config.num_train_timesteps / run.steps),
        table_(run) {}

  StepTable build() {
    std::uint32_t step = run_.start_step;
    if (!run_.config.skip_prk_steps) {
      if (run_.steps - step <= kRungeKuttaSteps) {
        fail_usage("steps", "a Runge-Kutta start takes more than {} steps; {} are to be run",
                   kRungeKuttaSteps, run_.steps - step);
      }
      for (std::uint32_t i = 0; i < kRungeKuttaSteps; ++i) runge_kutta(step++);
      known_outputs_ = kRungeKuttaSteps;
    } else {
      step = improved_euler(step);
    }
    for (; step < run_.steps; ++step) multistep(step);
    return table_.finish(calls(), {}, level_at(run_.noise, times_[run_.start_step]), 1);
  }

 private:
  // Equation 9: from timestep `from` to `to`, along the noise that `output` stands for. Below 0
  // lies the clean end.
  Blend transfer(const Blend& x, Blend output, std::int64_t from, std::int64_t to) const {
    const auto& alpha_bars = run_.noise.alpha_bars();
    const double last = run_.config.set_alpha_to_one.value_or(false) ? 1 : alpha_bars[0];
    const double now = alpha_bars.at(std::size_t(from));
    const double after = to >= 0 ? alpha_bars.at(std::size_t(to)) : last;
    if (run_.config.prediction == Prediction::velocity) {
      output = std::sqrt(now) * output + std::sqrt(1 - now) * x;
    }
    const double divisor = now * std::sqrt(1 - after) + std::sqrt(now * (1 - now) * after);
    return std::sqrt(after / now) * x - (after - now) / divisor * output;
  }

  void evaluate(std::uint32_t time) { table_.evaluate(time, level_at(run_.noise, time)); }

  // Four calls a step (equation 12). Slots: latent, latent at the step's start, weighted sum of
  // outputs, first outputs of the steps so far.
  void runge_kutta(std::uint32_t step) {
    const std::uint32_t half = stride_ / 2;
    const std::uint32_t begin = times_[step], end = times_[step + 1], middle = end + half;
    const Blend start = slot(1), sum = slot(2);
    table_.begin_step();
    evaluate(begin);
    const Blend first = table_.output();
    table_.next({transfer(table_.x(), first, begin, begin - half), table_.x(), first / 6, first,
                 slot(3), slot(4)});
    for (const std::uint32_t to : {middle, end}) {
      evaluate(middle);
      const Blend output = table_.output();
      table_.next(
          {transfer(start, output, begin, to), start, sum + output / 3, slot(3), slot(4), slot(5)});
    }
    evaluate(end);
    table_.next({transfer(start, sum + table_.output() / 6, begin, end),
                 {},
                 {},
                 slot(3),
                 slot(4),
                 slot(5)});
  }

  // The first step of PLMS, two calls: there, and again with the mean of both outputs.
  std::uint32_t improved_euler(std::uint32_t step) {
    const std::uint32_t begin = times_[step];
    table_.begin_step();
    evaluate(begin);
    const Blend first = table_.output();
    table_.next(
        {transfer(table_.x(), first, begin, std::int64_t(begin) - stride_), table_.x(), {}, first});
    known_outputs_ = 1;
    if (step + 1 == run_.steps) return step + 1;
    const std::uint32_t end = times_[step + 1];
    // The reference counts back by the stride, also where the spacing is another
    const bool by_stride = run_.config.spacing != Spacing::sgm_uniform;
    const std::uint32_t from = by_stride ? end + stride_ : begin;
    evaluate(end);
    const Blend mean = (table_.output() + slot(3)) / 2;
    table_.next({transfer(slot(1), mean, from, end), {}, {}, slot(3)});
    return step + 1;
  }

  // Adams-Bashforth of up to order 4. Slots 3 to 5: earlier outputs, newest first.
  void multistep(std::uint32_t step) {
    table_.begin_step();
    evaluate(times_[step]);
    const Blend output = table_.output();
    Blend sum = output;
    if (known_outputs_ == 1) sum = (3.0 * output - slot(3)) / 2;
    if (known_outputs_ == 2) sum = (23.0 * output - 16.0 * slot(3) + 5.0 * slot(4)) / 12;
    if (known_outputs_ >= 3) {
      sum = (55.0 * output - 59.0 * slot(3) + 37.0 * slot(4) - 9.0 * slot(5)) / 24;
    }
    table_.next({transfer(table_.x(), sum, times_[step], std::int64_t(times_[step]) - stride_),
                 {},
                 {},
                 output,
                 slot(3),
                 slot(4)});
    ++known_outputs_;
  }

  std::vector<double> calls() const {
    if (run_.steps == 1) return as_doubles(times_);
    std::vector<double> list;
    if (run_.config.skip_prk_steps) {
      list = as_doubles(times_);
      list.insert(list.begin() + 1, list[1]);
      return list;
    }
    const std::uint32_t half = stride_ / 2;
    for (std::uint32_t i = 0; i < kRungeKuttaSteps; ++i) {
      const double end = times_[i + 1], middle = end + half;
      list.insert(list.end(), {double(times_[i]), middle, middle, end});
    }
    list.insert(list.end(), times_.begin() + kRungeKuttaSteps, times_.end());
    return list;
  }

  const SamplerRun& run_;
  std::vector<std::uint32_t> times_;
  std::uint32_t stride_;
  std::uint32_t known_outputs_ = 0;
  TableBuilder table_;
};

}  // namespace

StepTable pndm(const SamplerRun& run) { return Pndm(run).build(); }

}  // namespace kiln
