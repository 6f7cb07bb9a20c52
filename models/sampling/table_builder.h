// Builds a step table row by row from formulas in double precision.
#pragma once

#include <initializer_list>
#include <optional>
#include <vector>

#include "models/sampling/blend.h"
#include "models/sampling/noise_schedule.h"
#include "models/sampling/step_table.h"

namespace kiln {

// What a sampler is asked to do.
struct SamplerRun {
  const SchedulerConfig& config;
  NoiseSchedule noise;
  std::uint32_t steps;        // of the whole schedule
  std::uint32_t start_step;   // the first one that is run, below steps
  std::optional<double> eta;  // share of fresh noise; empty: the sampler's own
};

// For every network call: evaluate(), formulas over x(), clean(), ..., next().
class TableBuilder {
 public:
  explicit TableBuilder(const SamplerRun& run) : prediction_(run.config.prediction) {}

  void begin_step() { table_.step_begins.push_back(std::uint32_t(table_.rows.size())); }

  // Begins a row: the network sees slot 0, a latent of this level, and is told the timestep.
  void evaluate(double timestep, const Level& level);

  Blend x() const { return slot(0); }                        // the latent the network saw
  Blend clean() const { return column(kPredictionColumn); }  // what it takes for the clean one
  Blend epsilon() const;                                     // what it takes for the noise
  Blend output() const;  // epsilon, or velocity where the network tells that
  Blend noise();         // fresh unit noise, the same one however often it is asked for in a row

  // Ends the row: slot i becomes the i-th blend, the slots after those are cleared.
  void next(std::initializer_list<Blend> slots);

  // start: level of the latent at the start step. initial_scale: of the noise alone.
  StepTable finish(std::vector<double> timesteps, std::vector<double> sigmas, const Level& start,
                   double initial_scale);

 private:
  Prediction prediction_;
  Level level_;
  StepRow row_;
  StepTable table_;
};

}  // namespace kiln
