// The incomplete beta function by its series, inverted by bisection.
#include "models/sampling/beta_quantile.h"

#include <cmath>

namespace kiln {
namespace {

// I_x(a, a) for x <= 1/2, DLMF 8.17.8 with 15.2.1: a series of positive terms that shrink by at
// least half each.
double lower_half(double x, double a) {
  if (x <= 0) return 0;
  double term = 1, sum = 1;
  for (int n = 0; term > 1e-17 * sum; ++n) {
    term *= x * (2 * a + n) / (a + 1 + n);
    sum += term;
  }
  const double log_beta = 2 * std::lgamma(a) - std::lgamma(2 * a);
  return std::exp(a * std::log(x) + a * std::log1p(-x) - std::log(a) - log_beta) * sum;
}

}  // namespace

double beta_quantile(double probability, double shape) {
  if (probability > 0.5) return 1 - beta_quantile(1 - probability, shape);
  double low = 0, high = 0.5;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (lower_half(middle, shape) < probability ? low : high) = middle;
  }
  return (low + high) / 2;
}

}  // namespace kiln
