// Runs a step table on the host, in double precision: the meaning of a row, for tests and checks.
#pragma once

#include <array>
#include <functional>
#include <span>
#include <vector>

#include "models/sampling/step_table.h"

namespace kiln {

class TableEvaluator {
 public:
  // slot_0: the latent at the start (see StepTable::initial_scale, clean_scale, noise_scale).
  explicit TableEvaluator(std::vector<double> slot_0);

  // What the network gets for this row.
  std::vector<double> network_input(const StepRow& row) const;

  // One row. output: the network's, after guidance; noise: the draw the row asks for, else empty.
  void apply(const StepRow& row, std::span<const double> output, std::span<const double> noise);

  const std::vector<double>& latent() const { return slots_[0]; }

 private:
  std::array<std::vector<double>, kSlots> slots_;
};

}  // namespace kiln
