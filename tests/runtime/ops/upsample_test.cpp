// Nearest upsampling copies exactly the right pixels.
#include <gtest/gtest.h>

#include "runtime/base/error.h"
#include "runtime/ops/ops.h"
#include "runtime/reference/channels.h"
#include "tests/device/run_op.h"

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

}  // namespace
}  // namespace kiln::test
