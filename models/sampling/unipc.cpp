// UniPC: a multistep predictor whose last step is corrected, without a further call, by the next
// prediction (Zhao et al., 2023, arXiv 2302.04867, algorithms 5 to 8).
#include <algorithm>
#include <cmath>

#include "models/sampling/solvers.h"
#include "models/sampling/time_schedule.h"

namespace kiln {
namespace {

// Solves a small dense system by elimination with row exchanges. Rows: coefficients, right side.
std::vector<double> solved(std::vector<std::vector<double>> rows) {
  const std::size_t n = rows.size();
  for (std::size_t i = 0; i < n; ++i) {
    std::size_t pivot = i;
    for (std::size_t r = i; r < n; ++r) {
      if (std::abs(rows[r][i]) > std::abs(rows[pivot][i])) pivot = r;
    }
    std::swap(rows[i], rows[pivot]);
    for (std::size_t r = 0; r < n; ++r) {
      if (r == i) continue;
      const double factor = rows[r][i] / rows[i][i];
      for (std::size_t c = i; c <= n; ++c) rows[r][c] -= factor * rows[i][c];
    }
  }
  std::vector<double> result(n);
  for (std::size_t i = 0; i < n; ++i) result[i] = rows[i][n] / rows[i][i];
  return result;
}

// The weights rho that make the differences over `ratios` (the last one is 1 in the corrector)
// exact for polynomials: section 3.2, with the vector b of UniPC's B(h) variants.
std::vector<double> difference_weights(const std::vector<double>& ratios, double h, double scale) {
  std::vector<std::vector<double>> rows(ratios.size());
  double phi = std::expm1(h) / h - 1, factorial = 1;
  for (std::size_t k = 0; k < ratios.size(); ++k) {
    for (const double ratio : ratios) rows[k].push_back(std::pow(ratio, double(k)));
    rows[k].push_back(phi * factorial / scale);
    factorial *= double(k + 2);
    phi = phi / h - 1 / factorial;
  }
  return solved(std::move(rows));
}

class UniPc {
 public:
  explicit UniPc(const SamplerRun& run)
      : run_(run), schedule_(log_snr_schedule(run.config, run.noise, run.steps)) {}

  StepTable build() {
    TableBuilder table(run_);
    std::uint32_t last_order = 0;
    for (std::uint32_t i = run_.start_step; i < run_.steps; ++i) {
      table.begin_step();
      table.evaluate(schedule_.timesteps[i], level(i));
      const Blend now = run_.config.predict_x0 ? table.clean() : table.epsilon();
      // Slot 1: the latent before the last step; slots 2 to 4: predictions, newest first
      Blend x = table.x();
      if (i > run_.start_step && corrects(i - 1)) {
        const Blend known[] = {slot(2), slot(3), slot(4)};
        x = advance(slot(1), known, i - 1, last_order, &now);
      }
      last_order = order_at(i);
      const Blend known[] = {now, slot(2), slot(3)};
      table.next({advance(x, known, i, last_order, nullptr), x, now, slot(2), slot(3)});
    }
    return table.finish(schedule_.timesteps, schedule_.sigmas, level(run_.start_step), 1);
  }

 private:
  Level level(std::uint32_t i) const { return preserving_level(schedule_.sigmas[i]); }
  double lambda(std::uint32_t i) const { return half_log_snr(level(i)); }

  bool corrects(std::uint32_t step) const {
    return std::ranges::count(run_.config.disable_corrector, step) == 0;
  }

  std::uint32_t order_at(std::uint32_t i) const {
    std::uint32_t order = run_.config.solver_order;
    if (run_.config.lower_order_final) order = std::min(order, run_.steps - i);
    return std::min(order, i - run_.start_step + 1);
  }

  // The latent at step i + 1 from x at step i and the predictions known at steps i, i - 1, ...
  // ahead: the prediction at step i + 1, for the corrector.
  Blend advance(const Blend& x, const Blend (&known)[3], std::uint32_t i, std::uint32_t order,
                const Blend* ahead) const {
    const bool of_clean = run_.config.predict_x0;
    const Level from = level(i), to = level(i + 1);
    const double h = lambda(i + 1) - lambda(i), signed_h = of_clean ? -h : h;
    const double scale = run_.config.bh1_solver ? signed_h : std::expm1(signed_h);
    std::vector<double> ratios;
    std::vector<Blend> differences;
    for (std::uint32_t k = 1; k < order; ++k) {
      ratios.push_back((lambda(i - k) - lambda(i)) / h);
      differences.push_back((known[k] - known[0]) / ratios.back());
    }
    if (ahead != nullptr) {
      ratios.push_back(1);
      differences.push_back(*ahead - known[0]);
    }
    // The published code fixes the weight where there is one difference
    std::vector<double> weights =
        ratios.size() == 1 ? std::vector<double>{0.5} : difference_weights(ratios, signed_h, scale);
    const double latent = of_clean ? to.sigma / from.sigma : to.alpha / from.alpha;
    const double factor = of_clean ? to.alpha : to.sigma;
    Blend result = latent * x - factor * std::expm1(signed_h) * known[0];
    for (std::size_t k = 0; k < weights.size(); ++k) {
      result += -factor * scale * weights[k] * differences[k];
    }
    return result;
  }

  const SamplerRun& run_;
  TimeSchedule schedule_;
};

}  // namespace

StepTable unipc(const SamplerRun& run) { return UniPc(run).build(); }

}  // namespace kiln
