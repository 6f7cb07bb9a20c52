// Linear layers against double with every kernel the device can run, and what they take over.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <tuple>
#include <utility>

#include "runtime/base/error.h"
#include "runtime/base/half.h"
#include "runtime/ops/ops.h"
#include "runtime/reference/cases/products.h"
#include "runtime/reference/elementwise.h"
#include "runtime/reference/product.h"
#include "tests/device/run_op.h"
#include "tests/runtime/ops/product_test.h"

namespace kiln::test {
namespace {

using cases::LinearCase;

struct Operands {
  std::vector<float> x, weight, bias;
};

Operands operands(const LinearCase& test) {
  return {numbers(std::size_t(test.rows) * test.inputs, 1),
          numbers(std::size_t(test.outputs) * test.inputs, 2, kWeightScale),
          numbers(test.has_bias ? test.outputs : 0, 3)};
}

Tensor record(OpRun& run, const LinearCase& test, const Operands& of) {
  const Tensor x = run.input({1, 1, test.rows, test.inputs}, of.x);
  const Tensor weight = run.weight({test.outputs, test.inputs}, of.weight);
  return linear(x, weight, test.has_bias ? run.weight({test.outputs}, of.bias) : Tensor{});
}

std::vector<double> expected(const LinearCase& test, const Operands& of) {
  return reference::linear(widened(of.x), widened(of.weight), widened(of.bias), test.rows,
                           test.outputs);
}

TEST(Linear, AgreesWithDoubleInEveryKernel) {
  for (const LinearCase& test : cases::kLinear) {
    SCOPED_TRACE(to_text(test));
    const Operands of = operands(test);
    const auto right = expected(test, of);
    for_each_kernel([&](DType element, std::string_view kernel) {
      OpRun run(element, kernel);
      expect_close(run.run(record(run, test, of)), right, element, sum_error(test.inputs));
    });
  }
}

TEST(Linear, HasACaseForEveryKernelButThatOfConvolutions) {
  const auto recorded = [](OpRun& run, std::size_t i) {
    return record(run, cases::kLinear[i], operands(cases::kLinear[i]));
  };
  expect_every_kernel_chosen(std::size(cases::kLinear), recorded, kernels::winograd::kName);
}

constexpr LinearCase kFused = {35, 48, 44, true};
constexpr Shape kFusedShape = {1, 1, kFused.rows, kFused.outputs};

std::vector<double> with(const std::vector<double>& sums, const std::vector<float>& added) {
  return reference::add(sums, kFusedShape, widened(added));
}

template <typename Operation>
void expect_taken_over(Operation operation, double (*function)(double)) {
  const Operands of = operands(kFused);
  const auto right = reference::map(expected(kFused, of), function);
  for_each_kernel([&](DType element, std::string_view kernel) {
    OpRun run(element, kernel);
    const auto actual = run.run(operation(record(run, kFused, of)));
    EXPECT_EQ(run.plan().dispatches.size(), 1u);
    expect_close(actual, right, element, 2.0 * sum_error(kFused.inputs) + kActivationError);
  });
}

TEST(Linear, TakesOverActivations) {
  expect_taken_over([](Tensor x) { return silu(x); }, reference::silu);
  expect_taken_over([](Tensor x) { return gelu(x); }, reference::gelu);
  expect_taken_over([](Tensor x) { return quick_gelu(x); }, reference::quick_gelu);
}

TEST(Linear, TakesOverAnAdditionFromEitherSide) {
  const Operands of = operands(kFused);
  const auto other = numbers(kFusedShape.elements(), 4);
  const auto right = with(expected(kFused, of), other);
  for_each_kernel([&](DType element, std::string_view kernel) {
    for (const bool product_first : {true, false}) {
      OpRun run(element, kernel);
      const Tensor residual = run.input(kFusedShape, other), product = record(run, kFused, of);
      const auto actual = run.run(product_first ? product + residual : residual + product);
      EXPECT_EQ(run.plan().dispatches.size(), 1u);
      expect_close(actual, right, element, sum_error(kFused.inputs));
    }
  });
}

TEST(Linear, LeavesAnAdditionAfterAnActivationAlone) {
  const Operands of = operands(kFused);
  const auto other = numbers(kFusedShape.elements(), 4);
  const auto right = with(reference::map(expected(kFused, of), reference::silu), other);
  OpRun run(DType::f32);
  const auto actual = run.run(silu(record(run, kFused, of)) + run.input(kFusedShape, other));
  EXPECT_EQ(run.plan().dispatches.size(), 2u);
  expect_close(actual, right, DType::f32, 2.0 * sum_error(kFused.inputs) + kActivationError);
}

TEST(Linear, LeavesASecondAdditionAlone) {
  const Operands of = operands(kFused);
  const auto other = numbers(kFusedShape.elements(), 4);
  const auto right = with(with(expected(kFused, of), other), other);
  OpRun run(DType::f32);
  const Tensor residual = run.input(kFusedShape, other);
  const auto actual = run.run(record(run, kFused, of) + residual + residual);
  EXPECT_EQ(run.plan().dispatches.size(), 2u);
  expect_close(actual, right, DType::f32, 2.0 * sum_error(kFused.inputs));
}

TEST(Linear, CanBeAddedToItself) {
  const Operands of = operands(kFused);
  const auto twice = [](double x) { return 2.0 * x; };
  OpRun run(DType::f32);
  const Tensor product = record(run, kFused, of);
  expect_close(run.run(product + product), reference::map(expected(kFused, of), twice), DType::f32,
               2.0 * sum_error(kFused.inputs));
}

TEST(Linear, SplitsLongWorkIntoBandsOfTheSameBytes) {
  constexpr LinearCase kLong = {331, 36, 40, true};
  const Operands of = operands(kLong);
  for_each_kernel([&](DType element, std::string_view kernel) {
    OpRun whole(element, kernel), split(element, kernel);
    const auto at_once = whole.run(record(whole, kLong, of));
    split.limit_dispatch_flops(2ull * 100 * kLong.inputs * kLong.outputs);
    EXPECT_EQ(split.run(record(split, kLong, of)), at_once);
    EXPECT_GT(split.plan().dispatches.size(), whole.plan().dispatches.size());
    EXPECT_EQ(split.plan().flops(), whole.plan().flops());
  });
}

TEST(Linear, GivesARowTheSameBytesAloneAndAmongOthers) {
  const Operands of = operands(kFused);
  LinearCase alone = kFused;
  alone.rows = 1;
  Operands first = of;
  first.x.resize(kFused.inputs);
  for_each_kernel([&](DType element, std::string_view kernel) {
    OpRun many(element, kernel), one(element, kernel);
    auto rows = many.run(record(many, kFused, of));
    rows.resize(kFused.outputs);
    EXPECT_EQ(one.run(record(one, alone, first)), rows);
  });
}

TEST(Linear, SaturatesInsteadOfOverflowing) {
  const std::vector<float> large(4, 60000.0f);
  for_each_kernel([&](DType element, std::string_view kernel) {
    OpRun run(element, kernel);
    const Tensor weight = run.weight({2, 4}, {1, 1, 1, 1, -1, -1, -1, -1});
    const float most = element == DType::f16 ? 65504.0f : 240000.0f;
    EXPECT_EQ(run.run(linear(run.input({1, 1, 1, 4}, large), weight, {})),
              (std::vector<float>{most, -most}));
  });
}

// Sums of two weights, which float32 holds exactly: bits of 16-bit results can be told in advance.
TEST(Linear, RoundsToNearestEvenAndKeepsNotANumber) {
  constexpr std::uint32_t kInputs = 64, kOutputs = 64;
  const std::pair<float, float> pairs[] = {{1, 0x1p-11f},
                                           {1 + 0x1p-10f, 0x1p-11f},
                                           {-1, -0x1.8p-11f},
                                           {60000, 60000},
                                           {-60000, -60000},
                                           {65504, 16},
                                           {2048, 1},
                                           {2050, 1},
                                           {std::nanf(""), 1},
                                           {0x1p-24f, 0},
                                           {-0x1p-14f, 0x1.8p-23f},
                                           {0x1.8p-23f, 0},
                                           {0, 0}};
  const float factors[] = {1.0f, 0.5f};  // halves of the smallest number are to be rounded
  std::vector<float> x(2 * kInputs, 0.0f), weight(kInputs * kOutputs, 0.0f);
  for (std::uint32_t row = 0; row < 2; ++row) {
    x[row * kInputs] = x[row * kInputs + 33] = factors[row];
  }
  for (std::uint32_t n = 0; n < kOutputs; ++n) {
    std::tie(weight[n * kInputs], weight[n * kInputs + 33]) = pairs[n % std::size(pairs)];
  }
  for_each_kernel([&](DType element, std::string_view kernel) {
    OpRun run(element, kernel);
    const Tensor y =
        linear(run.input({1, 1, 2, kInputs}, x), run.weight({kOutputs, kInputs}, weight), {});
    const std::vector<float> actual = run.run(y);
    for (std::uint32_t i = 0; i < 2 * kOutputs; ++i) {
      const auto [a, b] = pairs[i % kOutputs % std::size(pairs)];
      const float sum = factors[i / kOutputs] * (a + b);
      const float limited = std::isnan(sum) ? sum : std::clamp(sum, -65504.0f, 65504.0f);
      const float right = element == DType::f16 ? float_from_half(half_from_float(limited)) : sum;
      EXPECT_TRUE(actual[i] == right || (std::isnan(right) && std::isnan(actual[i])))
          << i << ": " << actual[i] << ", expected " << right;
    }
  });
}

TEST(Linear, RefusesOperandsThatDoNotFit) {
  OpRun run(DType::f32);
  const Tensor x = run.input({1, 1, 2, 3}, numbers(6, 1));
  EXPECT_THROW(linear(x, run.weight({5, 4}, numbers(20, 2)), {}), Error);
  EXPECT_THROW(linear(x, run.weight({5, 3}, numbers(15, 2)), run.weight({4}, numbers(4, 3))),
               Error);
}

}  // namespace
}  // namespace kiln::test
