// One row of a step table in double, as models/sampling/step_table.h says in words.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

#include "models/sampling/step_table.h"

namespace kiln::reference {

using Slots = std::array<std::vector<double>, kSlots>;

inline double deviation(const double* values, std::size_t count) {
  double mean = 0.0, squares = 0.0;
  for (std::size_t i = 0; i < count; ++i) mean += values[i] / double(count);
  for (std::size_t i = 0; i < count; ++i) squares += (values[i] - mean) * (values[i] - mean);
  return std::sqrt(squares / double(count - 1));
}

// uncond + guidance * (cond - uncond), rescaled for each image of `elements` numbers.
// output: [unconditional images..., conditional images...].
inline std::vector<double> guided(const StepRow& row, const std::vector<double>& output,
                                  std::size_t elements, bool rescaled) {
  const std::size_t half = output.size() / 2;
  std::vector<double> result(half);
  for (std::size_t i = 0; i < half; ++i) {
    result[i] = output[i] + double(row.guidance) * (output[half + i] - output[i]);
  }
  for (std::size_t first = 0; rescaled && first < half; first += elements) {
    const double ratio = deviation(output.data() + half + first, elements) /
                         deviation(result.data() + first, elements);
    const double factor = 1.0 + double(row.guidance_rescale) * (ratio - 1.0);
    for (std::size_t i = first; i < first + elements; ++i) result[i] *= factor;
  }
  return result;
}

// output: after guidance. noise: of the row's draw, in the order of the slots; may be empty.
inline void apply_row(const StepRow& row, const std::vector<double>& output,
                      const std::vector<double>& noise, Slots& slots) {
  for (std::size_t i = 0; i < output.size(); ++i) {
    std::array<double, kUpdateColumns> columns{};
    for (std::size_t s = 0; s < kSlots; ++s) columns[s] = slots[s][i];
    columns[kPredictionColumn] =
        double(row.skip_scale) * columns[0] + double(row.output_scale) * output[i];
    columns[kNoiseColumn] = row.noise_draw == kNoNoise ? 0.0 : noise[i];
    for (std::size_t s = 0; s < kSlots; ++s) {
      slots[s][i] = 0.0;
      for (std::size_t c = 0; c < kUpdateColumns; ++c) {
        slots[s][i] += double(row.update[s][c]) * columns[c];
      }
    }
  }
}

}  // namespace kiln::reference
