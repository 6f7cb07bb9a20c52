// A row, element by element.
#include "models/sampling/table_evaluator.h"

#include <cassert>

namespace kiln {

TableEvaluator::TableEvaluator(std::vector<double> slot_0) {
  slots_.fill(std::vector<double>(slot_0.size(), 0.0));
  slots_[0] = std::move(slot_0);
}

std::vector<double> TableEvaluator::network_input(const StepRow& row) const {
  std::vector<double> input = slots_[0];
  for (double& value : input) value *= double(row.input_scale);
  return input;
}

void TableEvaluator::apply(const StepRow& row, std::span<const double> output,
                           std::span<const double> noise) {
  assert(output.size() == slots_[0].size());
  assert(row.noise_draw == kNoNoise || noise.size() == output.size());
  for (std::size_t element = 0; element < output.size(); ++element) {
    std::array<double, kUpdateColumns> columns{};
    for (std::size_t j = 0; j < kSlots; ++j) columns[j] = slots_[j][element];
    columns[kPredictionColumn] =
        double(row.skip_scale) * slots_[0][element] + double(row.output_scale) * output[element];
    columns[kNoiseColumn] = row.noise_draw == kNoNoise ? 0 : noise[element];
    for (std::size_t i = 0; i < kSlots; ++i) {
      double sum = 0;
      for (std::size_t j = 0; j < kUpdateColumns; ++j) sum += double(row.update[i][j]) * columns[j];
      slots_[i][element] = sum;
    }
  }
}

}  // namespace kiln
