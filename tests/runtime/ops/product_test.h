// What tests of linear layers and convolutions share: each kernel in turn, and its rounding.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/ops/matmul_candidates.h"
#include "tests/device/run_op.h"
#include "tests/device/run_plan.h"

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

// The matmul kernels that the device can run for an element type.
inline std::vector<std::string_view> matmul_kernels(DType element) {
  std::vector<std::string_view> names;
  for (const MatmulCandidate& candidate : matmul_candidates()) {
    const KernelInfo& kernel = candidate.kernel(element);
    if (device_profile().serves(kernel.needs)) names.push_back(kernel.name);
  }
  return names;
}

// Calls body(element, kernel) for each element type and each matmul kernel.
template <typename Body>
void for_each_kernel(const Body& body) {
  for (const DType element : element_types()) {
    for (const std::string_view kernel : matmul_kernels(element)) {
      SCOPED_TRACE(std::string(kernel) + " " + std::string(to_text(element)));
      body(element, kernel);
    }
  }
}

// Fails unless the wanted kernel is chosen in at least one of the graphs that
// record(run, index), index < count, makes: else no test reaches it.
template <typename Record>
void expect_every_kernel_chosen(std::size_t count, const Record& record) {
  for_each_kernel([&](DType element, std::string_view kernel) {
    int chosen = 0;
    for (std::size_t i = 0; i < count; ++i) {
      OpRun run(element, kernel);
      for (const Dispatch& dispatch : run.compiled(record(run, i)).dispatches) {
        chosen += dispatch.kernel->name == kernel;
      }
    }
    EXPECT_GT(chosen, 0);
  });
}

}  // namespace kiln::test
