// Channels joined and sliced, exactly.
#include <gtest/gtest.h>

#include "runtime/base/error.h"
#include "runtime/ops/ops.h"
#include "runtime/reference/channels.h"
#include "tests/device/run_op.h"

namespace kiln::test {
namespace {

TEST(Concat, PutsTheChannelsOfTheSecondBehindThoseOfTheFirst) {
  const Shape shapes[] = {{2, 8, 8, 320}, {1, 3, 5, 4}, {2, 1, 7, 13}};
  for (const DType element : element_types()) {
    for (const Shape& a : shapes) {
      for (const std::uint32_t channels : {640u, 8u, 5u, 1u}) {
        SCOPED_TRACE(to_text(a) + " and " + std::to_string(channels));
        const Shape b = a.with_channels(channels);
        const auto x = numbers(a.elements(), 1), y = numbers(b.elements(), 2);
        OpRun run(element);
        EXPECT_EQ(run.run(concat(run.input(a, x), run.input(b, y))),
                  reference::concat(x, a.channels, y, b.channels));
      }
    }
  }
}

TEST(Concat, RefusesPicturesOfDifferentSizes) {
  OpRun run(DType::f32);
  const Tensor a = run.input({1, 2, 2, 4}, numbers(16, 1));
  EXPECT_THROW(concat(a, run.input({1, 2, 3, 4}, numbers(24, 2))), Error);
}

TEST(SliceChannels, TakesARangeOfChannels) {
  struct Case {
    std::uint32_t channels, first, count;
  };
  for (const DType element : element_types()) {
    for (const Case test : {Case{8, 0, 4}, Case{8, 4, 4}, Case{9, 4, 5}, Case{16, 3, 8},
                            Case{7, 6, 1}, Case{1280, 320, 640}}) {
      const Shape shape{2, 3, 5, test.channels};
      const auto x = numbers(shape.elements(), 1);
      OpRun run(element);
      EXPECT_EQ(run.run(slice_channels(run.input(shape, x), test.first, test.count)),
                reference::slice_channels(x, test.channels, test.first, test.count));
    }
  }
}

TEST(SliceChannels, RefusesChannelsThatAreNotThere) {
  OpRun run(DType::f32);
  const Tensor x = run.input({1, 1, 1, 8}, numbers(8, 1));
  EXPECT_THROW(slice_channels(x, 5, 4), Error);
  EXPECT_THROW(slice_channels(x, 9, 0xffffffffu), Error);
  EXPECT_THROW(slice_channels(x, 0, 0), Error);
}

}  // namespace
}  // namespace kiln::test
