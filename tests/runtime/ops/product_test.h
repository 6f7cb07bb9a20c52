// What tests of linear layers and convolutions share: operands, each kernel in turn, its rounding.
#pragma once

#include <cmath>
#include <vector>

#include "kernels/winograd.h"
#include "runtime/ops/matmul_candidates.h"
#include "runtime/reference/cases/products.h"
#include "tests/runtime/ops/candidates_test.h"

namespace kiln::test {

// Weights are uniform in [-kWeightScale, kWeightScale], x in [-1, 1].
inline constexpr float kWeightScale = 0.0625f;

// Of silu, gelu and quick_gelu on results of size up to 4.
inline constexpr double kActivationError = 16.0 * 0x1p-24 * 4.0;

// Largest plausible error of a float32 sum of n products x * weight. Such a sum passes through n
// values of size up to s * sqrt(n), s = kWeightScale / 3 being the root mean square of a product,
// and starts at a bias of up to 1: n independent roundings of half a unit, six times their standard
// deviation. An addend is one more rounding of a value of size up to 4.
inline double sum_error(double n) {
  const double size = kWeightScale / 3.0 * std::sqrt(n) + 1.0;
  return 6.0 * 0x1p-25 * size * std::sqrt(n) + 4.0 * 0x1p-24;
}

// The same for a kernel: Winograd's sums have terms twice as large; and in 16 bits its weights,
// being sums of a file's, are rounded again: n values of up to 2^-4 by 2^-15 / sqrt(12) in root
// mean square, times inputs of 2 / sqrt(3), six standard deviations.
inline double product_error(std::string_view kernel, DType element, double n) {
  if (kernel != kernels::winograd::kName) return sum_error(n);
  return 2.0 * sum_error(n) + (element == DType::f16 ? 0x1p-14 * std::sqrt(n) : 0.0);
}

// Of a convolution: x, its weights and, where the case has one, its bias.
struct ConvOperands {
  std::vector<float> x, weight, bias;
};

// Terms of a sum.
inline std::size_t reduction(const cases::ConvCase& test) {
  return std::size_t(test.x.channels) * test.kernel * test.kernel;
}

inline ConvOperands operands(const cases::ConvCase& test) {
  return {numbers(test.x.elements(), 1), numbers(test.outputs * reduction(test), 2, kWeightScale),
          numbers(test.has_bias ? test.outputs : 0, 3)};
}

// Calls body(element, kernel) for each element type and each matmul kernel.
template <typename Body>
void for_each_kernel(const Body& body) {
  for_each_candidate(matmul_candidates(), body);
}

// Fails unless the wanted kernel is chosen in at least one of the graphs that
// record(run, index), index < count, makes: else no test reaches it. `but`: a kernel left out.
template <typename Record>
void expect_every_kernel_chosen(std::size_t count, const Record& record,
                                std::string_view but = {}) {
  expect_every_candidate_chosen(matmul_candidates(), count, record, but);
}

}  // namespace kiln::test
