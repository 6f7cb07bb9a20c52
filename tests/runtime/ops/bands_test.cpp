// Work in bands gives the bytes of the whole: for bindings that are too small, and to need less
// memory.
#include <gtest/gtest.h>

#include <functional>

#include "runtime/ops/ops.h"
#include "tests/device/run_op.h"

namespace kiln::test {
namespace {

constexpr std::uint64_t kNoLimit = 0;

struct Made {
  std::vector<float> values;
  Plan plan;
};

using Record = std::function<Tensor(OpRun& run)>;

Made make(DType element, const Record& record, std::uint64_t binding_bytes, bool in_bands) {
  OpRun run(element, "matmul/matmul");  // one that takes bands, so that bytes can be compared
  if (binding_bytes != kNoLimit) run.limit_binding_bytes(binding_bytes);
  run.graph().work_in_bands(in_bands);
  Made made;
  made.values = run.run(record(run));
  made.plan = run.plan();
  return made;
}

Tensor weight(OpRun& run, std::uint32_t out, std::uint32_t in, std::uint32_t kernel) {
  return run.weight({out, in, kernel, kernel}, numbers(std::size_t(out) * in * kernel * kernel, 5));
}

Tensor vector(OpRun& run, std::uint32_t count, unsigned seed) {
  return run.weight({count}, numbers(count, seed));
}

// A whole picture is four times as large as may be bound; lines are 2 KiB, or odd.
const Shape kShapes[] = {{1, 64, 32, 16}, {1, 67, 29, 20}, {2, 64, 32, 16}};

void expect_same(const Record& record, const Shape& shape, std::size_t least_more) {
  for (const DType element : element_types()) {
    SCOPED_TRACE(to_text(shape) + " " + std::string(kiln::to_text(element)));
    const std::uint64_t limit = shape.elements() / shape.batch * size_bytes(element) / 3;
    const Made whole = make(element, record, kNoLimit, false);
    const Made bands = make(element, record, limit, false);
    EXPECT_EQ(bands.values, whole.values);
    EXPECT_GE(bands.plan.dispatches.size(), whole.plan.dispatches.size() + least_more);
    for (const Dispatch& dispatch : bands.plan.dispatches) {
      for (const Range& range : dispatch.ranges) EXPECT_LE(range.size_bytes, limit);
    }
  }
}

TEST(Bands, ConvolutionsOfEveryKindGiveTheSameBytes) {
  struct Case {
    std::uint32_t kernel;
    Conv2d form;
  };
  for (const Shape& shape : kShapes) {
    for (const Case& test :
         {Case{3, {}}, Case{3, {.stride = 2}}, Case{1, {}}, Case{1, {.stride = 2}},
          Case{3, {.stride = 2, .padding = Conv2d::Padding::right_bottom}}}) {
      const Record record = [&](OpRun& run) {
        const Tensor x = run.input(shape, numbers(shape.elements(), 1));
        Tensor y =
            conv2d(x, weight(run, 16, shape.channels, test.kernel), vector(run, 16, 6), test.form);
        return silu(y + run.input(y.shape(), numbers(y.shape().elements(), 2)));
      };
      SCOPED_TRACE(testing::Message() << "k" << test.kernel << " s" << test.form.stride);
      expect_same(record, shape, 2);
    }
  }
}

TEST(Bands, LinearLayersGiveTheSameBytes) {
  const Shape shape{1, 1, 2048, 16};  // one line
  expect_same(
      [&](OpRun& run) {
        const Tensor x = run.input(shape, numbers(shape.elements(), 1));
        return linear(x, run.weight({16, 16}, numbers(256, 5)), vector(run, 16, 6)) + x;
      },
      shape, 2);
}

TEST(Bands, GroupNormsGiveStatisticsOfTheWholePicture) {
  for (const Shape& shape : {Shape{1, 64, 64, 32}, Shape{2, 64, 64, 32}, Shape{1, 65, 63, 20}}) {
    // Parts are cut elsewhere, so sums are rounded elsewhere.
    for (const DType element : element_types()) {
      SCOPED_TRACE(to_text(shape));
      const Record record = [&](OpRun& run) {
        const Tensor x = run.input(shape, numbers(shape.elements(), 1));
        return silu(group_norm(x, vector(run, shape.channels, 2), vector(run, shape.channels, 3), 4,
                               1e-5f));
      };
      const std::uint64_t bytes = shape.elements() / shape.batch * size_bytes(element);
      const Made whole = make(element, record, kNoLimit, false);
      const Made bands = make(element, record, bytes / 3, false);
      ASSERT_EQ(bands.values.size(), whole.values.size());
      const float tolerance = element == DType::f32 ? 2e-6f : 2e-3f;
      for (std::size_t i = 0; i < whole.values.size(); ++i) {
        ASSERT_NEAR(bands.values[i], whole.values[i], tolerance * (1 + std::abs(whole.values[i])));
      }
      EXPECT_GE(bands.plan.dispatches.size(), 6u);
    }
  }
}

TEST(Bands, UpsamplingGivesTheSameBytes) {
  const Shape shape{1, 32, 16, 16};
  expect_same(
      [&](OpRun& run) {
        return upsample_nearest(run.input(shape, numbers(shape.elements(), 1)), 64, 32);
      },
      {1, 64, 32, 16}, 2);
}

// What is made in bands must neither change nor be whole in memory. Bands begin where a device can
// bind them: lines of odd sizes are taken many together where that is every 256 bytes.
void expect_less_memory(const Record& record, const Shape& shape, std::string_view name) {
  for (const DType element : element_types()) {
    const Made whole = make(element, record, kNoLimit, false);
    const Made bands = make(element, record, kNoLimit, true);
    EXPECT_EQ(bands.values, whole.values);
    const bool begins_anywhere = shape.width * shape.channels * size_bytes(element) % 256 == 0;
    EXPECT_LT(bands.plan.arena_bytes, whole.plan.arena_bytes * (begins_anywhere ? 2 : 3) / 3);
    EXPECT_EQ(bands.plan.nodes.size(), 1u);
    EXPECT_EQ(bands.plan.nodes[0].op.rfind(name, 0), 0u) << bands.plan.nodes[0].op;
  }
}

TEST(Bands, ANormAndTheConvolutionAfterItNeedNoWholePicture) {
  for (const Shape& shape : {Shape{1, 64, 64, 32}, Shape{1, 61, 67, 20}}) {
    for (const Conv2d& form : {Conv2d{}, Conv2d{.stride = 2}}) {
      expect_less_memory(
          [&](OpRun& run) {
            const Tensor x = run.input(shape, numbers(shape.elements(), 1));
            const Tensor norm = group_norm(x, vector(run, shape.channels, 2),
                                           vector(run, shape.channels, 3), 4, 1e-5f);
            const Tensor y =
                conv2d(silu(norm), weight(run, 16, shape.channels, 3), vector(run, 16, 6), form);
            return y + run.input(y.shape(), numbers(y.shape().elements(), 4));
          },
          shape, "group_norm_conv2d");
    }
  }
}

// Lines of x are bound where those of the result need them; x itself is larger than may be bound,
// or the result alone is.
TEST(Bands, ConvolutionsOfUpsampledPicturesGiveTheSameBytes) {
  struct Case {
    Shape x;
    std::uint32_t outputs;
  };
  for (const Case& test : {Case{{1, 64, 32, 64}, 16}, Case{{1, 67, 29, 80}, 20},
                           Case{{1, 33, 16, 16}, 16}, Case{{2, 64, 32, 64}, 16}}) {
    const Record record = [&](OpRun& run) {
      const Shape& shape = test.x;
      const Tensor x = run.input(shape, numbers(shape.elements(), 1));
      const Tensor large = upsample_nearest(x, shape.height * 2, shape.width * 2);
      const Tensor y =
          conv2d(large, weight(run, test.outputs, shape.channels, 3), vector(run, test.outputs, 6));
      return silu(y + run.input(y.shape(), numbers(y.shape().elements(), 2)));
    };
    expect_same(record, {test.x.batch, 2 * test.x.height, 2 * test.x.width, test.outputs}, 2);
  }
}

}  // namespace
}  // namespace kiln::test
