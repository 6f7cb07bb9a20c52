// Convolutions against double with every kernel the device can run, and what they take over.
#include <gtest/gtest.h>

#include <iterator>

#include "runtime/base/error.h"
#include "runtime/ops/ops.h"
#include "runtime/reference/cases/products.h"
#include "runtime/reference/elementwise.h"
#include "runtime/reference/product.h"
#include "tests/device/run_op.h"
#include "tests/runtime/ops/product_test.h"

namespace kiln::test {
namespace {

using cases::ConvCase;

Tensor record(OpRun& run, const ConvCase& test, const ConvOperands& of) {
  const Tensor weight =
      run.weight({test.outputs, test.x.channels, test.kernel, test.kernel}, of.weight);
  const Tensor bias = test.has_bias ? run.weight({test.outputs}, of.bias) : Tensor{};
  return conv2d(run.input(test.x, of.x), weight, bias, test.how);
}

// As PyTorch: floor((in + padding on both sides - kernel) / stride) + 1.
std::uint32_t extent(const ConvCase& test, std::uint32_t in) {
  const std::uint32_t both = test.how.padding == cases::kRightBottom ? 1 : test.kernel - 1;
  return (in + both - test.kernel) / test.how.stride + 1;
}

Shape result_shape(const ConvCase& test) {
  return {test.x.batch, extent(test, test.x.height), extent(test, test.x.width), test.outputs};
}

std::vector<double> expected(const ConvCase& test, const ConvOperands& of) {
  const std::size_t before = test.how.padding == cases::kRightBottom ? 0 : test.kernel / 2;
  return reference::conv2d({.x = test.x,
                            .y = result_shape(test),
                            .kernel = test.kernel,
                            .stride = test.how.stride,
                            .before = before},
                           widened(of.x), widened(of.weight), widened(of.bias));
}

TEST(Conv2d, AgreesWithDoubleInEveryKernel) {
  for (const ConvCase& test : cases::kConv) {
    SCOPED_TRACE(to_text(test));
    const ConvOperands of = operands(test);
    const auto right = expected(test, of);
    for_each_kernel([&](DType element, std::string_view kernel) {
      OpRun run(element, kernel);
      const Tensor y = record(run, test, of);
      EXPECT_EQ(y.shape(), result_shape(test));
      expect_close(run.run(y), right, element,
                   product_error(kernel, element, double(reduction(test))));
    });
  }
}

TEST(Conv2d, HasACaseForEveryKernel) {
  expect_every_kernel_chosen(std::size(cases::kConv), [](OpRun& run, std::size_t i) {
    return record(run, cases::kConv[i], operands(cases::kConv[i]));
  });
}

TEST(Conv2d, HalvesAPictureThatIsPaddedRightAndBottom) {
  OpRun run(DType::f32);
  const ConvCase test = {{1, 6, 8, 4}, 4, 3, {.stride = 2, .padding = cases::kRightBottom}, false};
  EXPECT_EQ(record(run, test, operands(test)).shape(), (Shape{1, 3, 4, 4}));
}

// The second is one that every kernel for CPUs can do, the third one whose sums GPUs divide.
constexpr ConvCase kFused[] = {{{3, 6, 7, 12}, 20, 3, {}, true},
                               {{3, 8, 9, 32}, 20, 3, {}, true},
                               {{3, 5, 7, 256}, 20, 3, {}, true}};

// Calls body(test, element, kernel) for each of kFused.
template <typename Body>
void for_each_fused(const Body& body) {
  for (const ConvCase& test : kFused) {
    SCOPED_TRACE(to_text(test));
    for_each_kernel([&](DType element, std::string_view kernel) { body(test, element, kernel); });
  }
}

std::vector<double> with_vector(const ConvCase& test, const std::vector<float>& vector) {
  const std::vector<double> sums = expected(test, operands(test));
  return reference::add(sums, result_shape(test), widened(vector));
}

// Fails where anything runs besides the product.
void expect_product_alone(const Plan& plan) {
  for (const Dispatch& dispatch : plan.dispatches) {
    EXPECT_TRUE(dispatch.kernel->name.starts_with("matmul/")) << dispatch.kernel->name;
  }
}

TEST(Conv2d, TakesOverAVectorAddedToEveryPixel) {
  for_each_fused([&](const ConvCase& test, DType element, std::string_view kernel) {
    for (const std::uint32_t batch : {1u, test.x.batch}) {
      const auto vector = numbers(std::size_t(batch) * test.outputs, 4);
      OpRun run(element, kernel);
      const Tensor added = run.input({batch, 1, 1, test.outputs}, vector);
      const auto actual = run.run(record(run, test, operands(test)) + added);
      expect_product_alone(run.plan());
      expect_close(actual, with_vector(test, vector), element,
                   product_error(kernel, element, double(reduction(test))));
    }
  });
}

TEST(Conv2d, TakesOverAVectorAndThenAnActivation) {
  for_each_fused([&](const ConvCase& test, DType element, std::string_view kernel) {
    const auto vector = numbers(std::size_t(test.x.batch) * test.outputs, 4);
    const auto right = reference::map(with_vector(test, vector), reference::silu);
    OpRun run(element, kernel);
    const Tensor added = run.input({test.x.batch, 1, 1, test.outputs}, vector);
    const auto actual = run.run(silu(record(run, test, operands(test)) + added));
    expect_product_alone(run.plan());
    expect_close(actual, right, element,
                 2.0 * product_error(kernel, element, double(reduction(test))) + kActivationError);
  });
}

TEST(Conv2d, GivesAnImageTheSameBytesAloneAndInABatch) {
  for_each_fused([&](const ConvCase& test, DType element, std::string_view kernel) {
    const ConvOperands of = operands(test);
    ConvCase alone = test;
    alone.x.batch = 1;
    OpRun all(element, kernel), one(element, kernel);
    const auto batch = all.run(record(all, test, of));
    const auto last_input = std::ptrdiff_t(alone.x.elements() * (test.x.batch - 1));
    const auto last_output = std::ptrdiff_t(result_shape(alone).elements() * (test.x.batch - 1));
    const ConvOperands last = {{of.x.begin() + last_input, of.x.end()}, of.weight, of.bias};
    EXPECT_EQ(one.run(record(one, alone, last)),
              std::vector<float>(batch.begin() + last_output, batch.end()));
  });
}

TEST(Conv2d, SplitsLongWorkIntoBandsOfTheSameBytes) {
  for_each_fused([&](const ConvCase& test, DType element, std::string_view kernel) {
    const ConvOperands of = operands(test);
    OpRun whole(element, kernel), split(element, kernel);
    const auto at_once = whole.run(record(whole, test, of));
    split.limit_dispatch_flops(2ull * 50 * reduction(test) * test.outputs);
    EXPECT_EQ(split.run(record(split, test, of)), at_once);
    EXPECT_GT(split.plan().dispatches.size(), whole.plan().dispatches.size());
  });
}

TEST(Conv2d, IsALinearLayerWhenItsKernelIsOnePixel) {
  const ConvCase test = {{2, 4, 5, 24}, 36, 1, {}, true};
  const ConvOperands of = operands(test);
  for_each_kernel([&](DType element, std::string_view kernel) {
    OpRun conv(element, kernel), plain(element, kernel);
    const Tensor y = linear(plain.input(test.x, of.x), plain.weight({36, 24}, of.weight),
                            plain.weight({36}, of.bias));
    EXPECT_EQ(conv.run(record(conv, test, of)), plain.run(y));
  });
}

TEST(Conv2d, RefusesOperandsThatDoNotFit) {
  OpRun run(DType::f32);
  const Tensor x = run.input({1, 2, 2, 3}, numbers(12, 1));
  EXPECT_THROW(conv2d(x, run.weight({5, 4, 3, 3}, numbers(180, 2)), {}), Error);
  EXPECT_THROW(conv2d(x, run.weight({5, 3, 2, 2}, numbers(60, 2)), {}), Error);
  EXPECT_THROW(conv2d(x, run.weight({5, 3, 3, 3}, numbers(135, 2)), {}, {.stride = 3}), Error);
}

TEST(Conv2d, RefusesAPictureSmallerThanItsKernel) {
  OpRun run(DType::f32);
  const Tensor x = run.input({1, 1, 4, 3}, numbers(12, 1));
  EXPECT_THROW(conv2d(x, run.weight({5, 3, 3, 3}, numbers(135, 2)), {},
                      {.stride = 2, .padding = cases::kRightBottom}),
               Error);
}

}  // namespace
}  // namespace kiln::test
