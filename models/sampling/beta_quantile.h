// Quantiles of the symmetric beta distribution, for the schedule named after it.
#pragma once

namespace kiln {

// The x with I_x(shape, shape) = probability, to 1e-12; probability in 0..1, shape > 0.
double beta_quantile(double probability, double shape);

}  // namespace kiln
