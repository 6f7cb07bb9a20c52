// Layer normalization against double.
#include <gtest/gtest.h>

#include "runtime/base/error.h"
#include "runtime/ops/ops.h"
#include "runtime/reference/cases/norms.h"
#include "runtime/reference/group_norm.h"
#include "tests/device/run_op.h"

namespace kiln::test {
namespace {

void run_shape(const Shape& shape, DType element, float offset) {
  SCOPED_TRACE(to_text(shape));
  std::vector<float> x = numbers(shape.elements(), 1, 2.0f);
  for (float& value : x) value += offset;
  const auto scale = numbers(shape.channels, 2), shift = numbers(shape.channels, 3);
  OpRun run(element);
  const auto actual = run.run(layer_norm(run.input(shape, x), run.weight({shape.channels}, scale),
                                         run.weight({shape.channels}, shift), 1e-5f));
  const Shape rows{shape.rows(), 1, 1, shape.channels};
  const auto expected =
      reference::group_norm(widened(x), rows, widened(scale), widened(shift), 1, 1e-5);
  expect_close(actual, expected, element, 4.0 * 0x1p-24 * 10.0);
}

TEST(LayerNorm, AgreesWithDouble) {
  for (const DType element : element_types()) {
    for (const Shape& shape : cases::kLayerNorm) run_shape(shape, element, 0.0f);
  }
}

TEST(LayerNorm, SurvivesALargeOffset) {
  for (const Shape& shape : cases::kLayerNorm) run_shape(shape, DType::f32, 4096.0f);
}

TEST(LayerNorm, RefusesAScaleOfAnotherLength) {
  OpRun run(DType::f32);
  const Tensor x = run.input({1, 1, 1, 8}, numbers(8, 1));
  EXPECT_THROW(layer_norm(x, run.weight({7}, numbers(7, 2)), run.weight({8}, numbers(8, 3)), 1e-5f),
               Error);
}

}  // namespace
}  // namespace kiln::test
