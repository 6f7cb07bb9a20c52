// The gated activation against double.
#include <gtest/gtest.h>

#include "runtime/base/error.h"
#include "runtime/ops/ops.h"
#include "runtime/reference/geglu.h"
#include "tests/device/run_op.h"

namespace kiln::test {
namespace {

TEST(Geglu, AgreesWithDouble) {
  const Shape shapes[] = {{2, 8, 8, 2560}, {1, 16, 16, 640}, {1, 1, 1, 2}, {3, 1, 5, 14}};
  for (const DType element : element_types()) {
    for (const Shape& shape : shapes) {
      SCOPED_TRACE(to_text(shape));
      const auto x = numbers(shape.elements(), 1, 4.0f);
      OpRun run(element);
      expect_close(run.run(geglu(run.input(shape, x))),
                   reference::geglu(widened(x), shape.channels / 2), element, 16.0 * 0x1p-24 * 4.0);
    }
  }
}

TEST(Geglu, RefusesAnOddNumberOfChannels) {
  OpRun run(DType::f32);
  EXPECT_THROW(geglu(run.input({1, 1, 1, 5}, numbers(5, 1))), Error);
}

}  // namespace
}  // namespace kiln::test
