// Each sampler once more, as the loop of its paper or of k-diffusion, on plain doubles.
#pragma once

#include <functional>
#include <vector>

#include "models/sampling/noise_schedule.h"
#include "models/sampling/step_table.h"

namespace kiln::test {

// Takes the scaled latent and the timestep, tells the noise it sees.
using Network = std::function<double(double input, double timestep)>;

struct Problem {
  Network network;
  NoiseSchedule noise;
  std::vector<double> timesteps, sigmas;  // of the table under test, one a call or sigma
  std::vector<double> draws;              // noise in the order used
  double start;                           // the latent at the first step
  std::uint32_t steps;
  double eta;
};

// Nothing when there is no loop of that name.
using Loop = double (*)(const Problem&);
Loop textbook_loop(const std::string& sampler);

}  // namespace kiln::test
