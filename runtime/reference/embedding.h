// Embeddings of tokens and timesteps in double.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace kiln::reference {

// Zeros where an id is beyond the table. tokens: of one image.
inline std::vector<double> token_embedding(const std::vector<std::uint32_t>& ids,
                                           const std::vector<double>& table,
                                           const std::vector<double>& positions, std::size_t tokens,
                                           std::size_t channels) {
  std::vector<double> y;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    for (std::size_t c = 0; c < channels; ++c) {
      const std::size_t from = ids[i] * channels + c;
      y.push_back(from < table.size() ? table[from] + positions[i % tokens * channels + c] : 0.0);
    }
  }
  return y;
}

// Rounded to float where PyTorch rounds: the networks were trained with those angles, and at
// timestep 999 a frequency that is off by one part in 2^24 moves an angle by 6e-5.
inline std::vector<double> timestep_embedding(const std::vector<float>& timesteps,
                                              std::size_t channels) {
  std::vector<double> y;
  const std::size_t half = channels / 2;
  const auto angle = [&](float timestep, std::size_t i) {
    const float numerator = float(-std::log(10000.0)) * float(i);
    const float exponent = numerator / float(half);
    return double(timestep * float(std::exp(double(exponent))));
  };
  for (const float timestep : timesteps) {
    for (std::size_t i = 0; i < half; ++i) y.push_back(std::cos(angle(timestep, i)));
    for (std::size_t i = 0; i < half; ++i) y.push_back(std::sin(angle(timestep, i)));
  }
  return y;
}

}  // namespace kiln::reference
