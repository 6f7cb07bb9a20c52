// Turns formulas into rows; the only place where they are rounded to float32.
#include "models/sampling/table_builder.h"

#include <cassert>
#include <cmath>

namespace kiln {

void TableBuilder::evaluate(double timestep, const Level& level) {
  level_ = level;
  const auto [alpha, sigma] = level;
  const double scale = std::hypot(alpha, sigma);
  row_ = StepRow{};
  row_.timestep = float(timestep);
  row_.input_scale = float(1 / scale);
  row_.step = std::uint32_t(table_.step_begins.size()) - 1;
  switch (prediction_) {
    case Prediction::epsilon:
      row_.skip_scale = float(1 / alpha);
      row_.output_scale = float(-sigma / alpha);
      break;
    case Prediction::velocity:
      row_.skip_scale = float(alpha / (scale * scale));
      row_.output_scale = float(-sigma / scale);
      break;
    case Prediction::sample:
      row_.skip_scale = 0;
      row_.output_scale = 1;
      break;
  }
}

Blend TableBuilder::epsilon() const { return (x() - level_.alpha * clean()) / level_.sigma; }

Blend TableBuilder::output() const {
  if (prediction_ != Prediction::velocity) return epsilon();
  const auto [alpha, sigma] = level_;
  const double scale = std::hypot(alpha, sigma);
  return (alpha / scale) * epsilon() - (sigma / scale) * clean();
}

Blend TableBuilder::noise() {
  if (row_.noise_draw == kNoNoise) row_.noise_draw = ++table_.noise_draws;
  return column(kNoiseColumn);
}

void TableBuilder::next(std::initializer_list<Blend> slots) {
  assert(slots.size() <= kSlots);
  float(*update)[kUpdateColumns] = row_.update;
  for (const Blend& blend : slots) {
    for (std::size_t j = 0; j < kUpdateColumns; ++j) (*update)[j] = float(blend.weights[j]);
    ++update;
  }
  table_.rows.push_back(row_);
}

StepTable TableBuilder::finish(std::vector<double> timesteps, std::vector<double> sigmas,
                               const Level& start, double initial_scale) {
  table_.first_call = std::uint32_t(timesteps.size() - table_.rows.size());
  table_.timesteps = std::move(timesteps);
  table_.sigmas = std::move(sigmas);
  table_.initial_scale = float(initial_scale);
  table_.clean_scale = float(start.alpha);
  table_.noise_scale = float(start.sigma);
  return std::move(table_);
}

}  // namespace kiln
