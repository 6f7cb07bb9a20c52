// Blend: a sum of the things a row can mix, so that samplers can be written as their formulas.
#pragma once

#include <array>
#include <cstddef>

#include "models/sampling/step_table.h"

namespace kiln {

// Weights of the slots, the prediction and the noise, in the order of StepRow::update's columns.
struct Blend {
  std::array<double, kUpdateColumns> weights{};

  Blend& operator+=(const Blend& other) {
    for (std::size_t i = 0; i < kUpdateColumns; ++i) weights[i] += other.weights[i];
    return *this;
  }
  Blend& operator*=(double factor) {
    for (double& weight : weights) weight *= factor;
    return *this;
  }
};

inline Blend operator*(double factor, Blend blend) { return blend *= factor; }
inline Blend operator+(Blend a, const Blend& b) { return a += b; }
inline Blend operator-(Blend a, const Blend& b) { return a += -1.0 * b; }
inline Blend operator/(Blend a, double divisor) { return a *= 1 / divisor; }

// One column alone.
inline Blend column(std::size_t index) {
  Blend blend;
  blend.weights[index] = 1;
  return blend;
}
inline Blend slot(std::size_t index) { return column(index); }

}  // namespace kiln
