// The update that the DPM solvers share: an exponential integrator over h, the growth of
// ln(alpha / sigma) (Lu et al., 2022, arXiv 2206.00927 and 2211.01095, propositions 3.2 and 4.1).
#pragma once

#include "models/sampling/table_builder.h"

namespace kiln {

// A step from one level to another, as weights of its ingredients: the latent, and the prediction
// with its differences over h, of first order (two ways) and of second.
struct DpmStep {
  double latent, prediction, midpoint, first, second, noise;
};
DpmStep dpm_step(DpmAlgorithm algorithm, const Level& from, const Level& to);

// The prediction the algorithm integrates: the clean latent (++) or the noise.
Blend dpm_prediction(DpmAlgorithm algorithm, const TableBuilder& table);

bool draws_noise(DpmAlgorithm algorithm);

}  // namespace kiln
