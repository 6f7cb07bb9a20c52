// Activations, scaling and addition against double.
#include <gtest/gtest.h>

#include "runtime/base/error.h"
#include "runtime/ops/ops.h"
#include "runtime/reference/elementwise.h"
#include "tests/device/run_op.h"

namespace kiln::test {
namespace {

const Shape kShapes[] = {
    {1, 1, 1, 1}, {1, 1, 1, 7}, {2, 16, 16, 320}, {3, 5, 7, 11}, {1, 1, 77, 3072}};

using Operation = Tensor (*)(Tensor, std::string_view);
using Function = double (*)(double);

void run_activation(Operation operation, Function function) {
  for (const DType element : element_types()) {
    for (const Shape& shape : kShapes) {
      SCOPED_TRACE(to_text(shape));
      const auto x = numbers(shape.elements(), 1, 16.0f);
      OpRun run(element);
      const auto actual = run.run(operation(run.input(shape, x), ""));
      // exp may be off by some 20 units of the last place at these sizes of its argument
      expect_close(actual, reference::map(widened(x), function), element, 16.0 * 0x1p-24);
    }
  }
}

TEST(Elementwise, SiluAgreesWithDouble) { run_activation(silu, reference::silu); }
TEST(Elementwise, GeluAgreesWithDouble) { run_activation(gelu, reference::gelu); }
TEST(Elementwise, QuickGeluAgreesWithDouble) { run_activation(quick_gelu, reference::quick_gelu); }

TEST(Elementwise, ActivationsHaveTheRightLimits) {
  const std::vector<float> x = {-60000.0f, -200.0f, 0.0f, 200.0f, 60000.0f, 3e30f, -3e30f};
  const std::vector<float> limits = {0.0f, 0.0f, 0.0f, 200.0f, 60000.0f, 3e30f, 0.0f};
  for (const Operation operation : {Operation(silu), Operation(gelu), Operation(quick_gelu)}) {
    OpRun run(DType::f32);
    EXPECT_EQ(run.run(operation(run.input({1, 1, 1, 7}, x), "")), limits);
  }
}

TEST(Elementwise, ScaleMultiplies) {
  for (const DType element : element_types()) {
    const auto x = numbers(385, 1, 4.0f);
    OpRun run(element);
    const auto actual = run.run(scale(run.input({5, 1, 7, 11}, x), 0.37f));
    const auto times = [](double value) { return value * double(0.37f); };
    expect_close(actual, reference::map(widened(x), times), element, 0.0);
  }
}

TEST(Elementwise, ScaleSaturatesSixteenBits) {
  for (const DType element : element_types()) {
    if (element != DType::f16) continue;
    OpRun run(element);
    EXPECT_EQ(run.run(scale(run.input({1, 1, 1, 3}, {60000.0f, -60000.0f, 1.0f}), 2.0f)),
              (std::vector<float>{65504.0f, -65504.0f, 2.0f}));
  }
}

TEST(Elementwise, AddTakesARowOfChannelsForEveryPixel) {
  for (const DType element : element_types()) {
    for (const Shape& shape : kShapes) {
      for (const std::uint32_t batch : {shape.batch, 1u}) {
        SCOPED_TRACE(to_text(shape));
        const Shape row{batch, 1, 1, shape.channels};
        const auto a = numbers(shape.elements(), 1), b = numbers(row.elements(), 2);
        OpRun run(element);
        const auto actual = run.run(run.input(shape, a) + run.input(row, b));
        expect_close(actual, reference::add(widened(a), shape, widened(b)), element, 0.0);
      }
    }
  }
}

TEST(Elementwise, AddTakesEqualShapes) {
  for (const DType element : element_types()) {
    for (const Shape& shape : kShapes) {
      const auto a = numbers(shape.elements(), 1), b = numbers(shape.elements(), 2);
      OpRun run(element);
      const auto actual = run.run(run.input(shape, a) + run.input(shape, b));
      expect_close(actual, reference::add(widened(a), shape, widened(b)), element, 0.0);
    }
  }
}

TEST(Elementwise, AddRefusesOtherShapes) {
  OpRun run(DType::f32);
  const Tensor a = run.input({2, 2, 2, 4}, numbers(32, 1));
  EXPECT_THROW(a + run.input({2, 2, 1, 4}, numbers(16, 2)), Error);
  EXPECT_THROW(a + run.input({3, 1, 1, 4}, numbers(12, 2)), Error);
  EXPECT_THROW(a + run.input_f32({2, 2, 2, 3}, numbers(24, 2)), Error);
}

}  // namespace
}  // namespace kiln::test
