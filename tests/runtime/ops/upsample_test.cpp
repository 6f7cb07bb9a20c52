// Nearest upsampling copies exactly the right pixels, and by 2 it is folded into a convolution.
#include <gtest/gtest.h>

#include <iterator>

#include "runtime/base/error.h"
#include "runtime/ops/ops.h"
#include "runtime/reference/cases/products.h"
#include "runtime/reference/channels.h"
#include "runtime/reference/elementwise.h"
#include "runtime/reference/product.h"
#include "tests/device/run_op.h"
#include "tests/runtime/ops/product_test.h"

namespace kiln::test {
namespace {

struct Case {
  Shape from;
  std::uint32_t height, width;
};

const Case kCases[] = {
    {{1, 8, 8, 640}, 16, 16}, {{2, 7, 5, 64}, 13, 9}, {{3, 2, 3, 7}, 5, 11}, {{1, 4, 4, 3}, 4, 4}};

TEST(UpsampleNearest, CopiesThePixelThatPytorchCopies) {
  for (const DType element : element_types()) {
    for (const Case& test : kCases) {
      SCOPED_TRACE(to_text(test.from));
      const auto x = numbers(test.from.elements(), 1);
      OpRun run(element);
      EXPECT_EQ(run.run(upsample_nearest(run.input(test.from, x), test.height, test.width)),
                reference::upsample_nearest(x, test.from, test.height, test.width));
    }
  }
}

TEST(UpsampleNearest, RefusesAnEmptyPicture) {
  OpRun run(DType::f32);
  EXPECT_THROW(upsample_nearest(run.input({1, 1, 1, 4}, numbers(4, 1)), 0, 2), Error);
}

using cases::ConvCase;

Tensor convolve(OpRun& run, const ConvCase& test, Tensor x) {
  const ConvOperands of = operands(test);
  const Tensor weight =
      run.weight({test.outputs, test.x.channels, test.kernel, test.kernel}, of.weight);
  return conv2d(x, weight, test.has_bias ? run.weight({test.outputs}, of.bias) : Tensor{},
                test.how);
}

Tensor record(OpRun& run, const ConvCase& test) {
  const Tensor x = run.input(test.x, operands(test).x);
  return convolve(run, test, upsample_nearest(x, 2 * test.x.height, 2 * test.x.width));
}

Shape result_shape(const ConvCase& test) {
  return {test.x.batch, 2 * test.x.height, 2 * test.x.width, test.outputs};
}

// Of the picture that is never made, in two steps.
std::vector<double> expected(const ConvCase& test) {
  const ConvOperands of = operands(test);
  const Shape large = result_shape(test).with_channels(test.x.channels);
  const auto x = reference::upsample_nearest(widened(of.x), test.x, large.height, large.width);
  return reference::conv2d({.x = large, .y = result_shape(test), .kernel = 3, .before = 1}, x,
                           widened(of.weight), widened(of.bias));
}

// Fails where the large picture is made after all.
void expect_product_alone(const Plan& plan) {
  ASSERT_EQ(plan.nodes.size(), 1u);
  EXPECT_EQ(plan.nodes[0].op.rfind("conv2d", 0), 0u) << plan.nodes[0].op;
  for (const Dispatch& dispatch : plan.dispatches) {
    EXPECT_TRUE(dispatch.kernel->name.starts_with("matmul/")) << dispatch.kernel->name;
  }
}

TEST(UpsampledConv2d, AgreesWithDoubleInEveryKernel) {
  for (const ConvCase& test : cases::kUpscaledConv) {
    SCOPED_TRACE(to_text(test));
    const auto right = expected(test);
    for_each_kernel([&](DType element, std::string_view kernel) {
      OpRun run(element, kernel);
      const Tensor y = record(run, test);
      EXPECT_EQ(y.shape(), result_shape(test));
      expect_close(run.run(y), right, element,
                   product_error(kernel, element, double(reduction(test))));
      expect_product_alone(run.plan());
    });
  }
}

TEST(UpsampledConv2d, HasACaseForEveryKernel) {
  expect_every_kernel_chosen(std::size(cases::kUpscaledConv), [](OpRun& run, std::size_t i) {
    return record(run, cases::kUpscaledConv[i]);
  });
}

TEST(UpsampledConv2d, TakesOverWhatAConvolutionDoes) {
  const ConvCase& test = cases::kUpscaledConv[0];
  const Shape shape = result_shape(test);
  const auto vector = numbers(std::size_t(shape.batch) * shape.channels, 4);
  const auto right =
      reference::map(reference::add(expected(test), shape, widened(vector)), reference::silu);
  for_each_kernel([&](DType element, std::string_view kernel) {
    OpRun run(element, kernel);
    const Tensor added = run.input({shape.batch, 1, 1, shape.channels}, vector);
    const auto actual = run.run(silu(record(run, test) + added));
    expect_product_alone(run.plan());
    expect_close(actual, right, element,
                 2.0 * product_error(kernel, element, double(reduction(test))) + kActivationError);
  });
}

TEST(UpsampledConv2d, SplitsLongWorkIntoBandsOfTheSameBytes) {
  const ConvCase& test = cases::kUpscaledConv[0];
  for_each_kernel([&](DType element, std::string_view kernel) {
    OpRun whole(element, kernel), split(element, kernel);
    const auto at_once = whole.run(record(whole, test));
    split.limit_dispatch_flops(2ull * 50 * reduction(test) * test.outputs);
    EXPECT_EQ(split.run(record(split, test)), at_once);
    EXPECT_GT(split.plan().dispatches.size(), whole.plan().dispatches.size());
  });
}

// Where the large picture is needed besides, has other sides, or is read another way.
TEST(UpsampledConv2d, IsTwoStepsWhereItCannotBeOne) {
  const ConvCase test = {{1, 4, 4, 16}, 16, 3, {}, true},
                 strided = {{1, 4, 4, 16}, 16, 3, {.stride = 2}, true},
                 thin = {{1, 4, 4, 16}, 16, 1, {}, true};
  const auto steps = [](const ConvCase& of, std::uint32_t height, std::uint32_t width) {
    OpRun run(DType::f32);
    const Tensor x = run.input(of.x, operands(of).x);
    return run.compiled(convolve(run, of, upsample_nearest(x, height, width))).nodes.size();
  };
  EXPECT_EQ(steps(test, 8, 8), 1u);
  for (const auto& [height, width] :
       {std::pair(7, 8), std::pair(8, 7), std::pair(9, 9), std::pair(4, 4), std::pair(12, 12)}) {
    EXPECT_EQ(steps(test, std::uint32_t(height), std::uint32_t(width)), 2u)
        << height << ' ' << width;
  }
  EXPECT_EQ(steps(strided, 8, 8), 2u);
  EXPECT_EQ(steps(thin, 8, 8), 2u);
  OpRun run(DType::f32);
  const Tensor large = upsample_nearest(run.input(test.x, operands(test).x), 8, 8);
  EXPECT_EQ(run.compiled(convolve(run, test, large) + large).nodes.size(), 2u);
}

}  // namespace
}  // namespace kiln::test
