// Images of a batch joined and sliced, exactly.
#include <gtest/gtest.h>

#include "runtime/base/error.h"
#include "runtime/ops/ops.h"
#include "tests/device/run_op.h"

namespace kiln::test {
namespace {

TEST(JoinImages, PutsTheSecondBatchBehindTheFirst) {
  for (const DType element : element_types()) {
    for (const Shape& a : {Shape{1, 8, 8, 4}, Shape{2, 3, 5, 7}, Shape{1, 1, 1, 1}}) {
      for (const std::uint32_t images : {1u, 3u}) {
        Shape b = a;
        b.batch = images;
        const auto x = numbers(a.elements(), 1), y = numbers(b.elements(), 2);
        std::vector<float> expected = x;
        expected.insert(expected.end(), y.begin(), y.end());
        OpRun run(element);
        EXPECT_EQ(run.run(join_images(run.input(a, x), run.input(b, y))), expected) << to_text(a);
      }
    }
  }
}

TEST(SliceImages, TakesSomeImages) {
  for (const DType element : element_types()) {
    for (const Shape& x : {Shape{2, 1, 77, 768}, Shape{5, 3, 5, 7}}) {
      for (const std::uint32_t first : {0u, 1u}) {
        const std::uint32_t count = x.batch / 2;
        const std::size_t image = x.elements() / x.batch;
        const auto values = numbers(x.elements(), 1);
        const std::vector<float> expected(values.begin() + std::ptrdiff_t(first * image),
                                          values.begin() + std::ptrdiff_t((first + count) * image));
        OpRun run(element);
        EXPECT_EQ(run.run(slice_images(run.input(x, values), first, count)), expected)
            << to_text(x) << " from " << first;
      }
    }
  }
}

TEST(Images, RefuseWhatDoesNotFit) {
  OpRun run(DType::f32);
  const Tensor x = run.input({2, 1, 1, 8}, numbers(16, 1));
  EXPECT_THROW(slice_images(x, 1, 2), Error);
  EXPECT_THROW(slice_images(x, 3, 0xffffffffu), Error);
  EXPECT_THROW(slice_images(x, 0, 0), Error);
  EXPECT_THROW(join_images(x, run.input({1, 1, 1, 9}, numbers(9, 1))), Error);
}

}  // namespace
}  // namespace kiln::test
