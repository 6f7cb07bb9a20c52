// Group normalization against double, on shapes of Stable Diffusion and on primes.
#include <gtest/gtest.h>

#include <cmath>

#include "runtime/base/error.h"
#include "runtime/ops/ops.h"
#include "runtime/reference/cases/norms.h"
#include "runtime/reference/elementwise.h"
#include "runtime/reference/group_norm.h"
#include "tests/device/run_op.h"

namespace kiln::test {
namespace {

using Case = cases::GroupNormCase;
using cases::kGroupNorm;

// Rounding of a normalized value of size up to 4, and of its mean and variance over n values.
double float_error(const Case& test) {
  const double count = double(test.shape.pixels()) * test.shape.channels / test.groups;
  return 4.0 * 0x1p-24 * (8.0 + std::sqrt(count) / 16.0);
}

struct Operands {
  std::vector<float> x, scale, shift;
};

Operands operands(const Case& test, float offset) {
  Operands of{numbers(test.shape.elements(), 1), numbers(test.shape.channels, 2),
              numbers(test.shape.channels, 3)};
  for (float& value : of.x) value += offset;
  return of;
}

std::vector<double> expected(const Case& test, const Operands& of, double epsilon) {
  return reference::group_norm(widened(of.x), test.shape, widened(of.scale), widened(of.shift),
                               test.groups, epsilon);
}

Tensor record(OpRun& run, const Case& test, const Operands& of, float epsilon) {
  return group_norm(run.input(test.shape, of.x), run.weight({test.shape.channels}, of.scale),
                    run.weight({test.shape.channels}, of.shift), test.groups, epsilon);
}

TEST(GroupNorm, AgreesWithDouble) {
  for (const DType element : element_types()) {
    for (const Case& test : kGroupNorm) {
      SCOPED_TRACE(to_text(test.shape));
      const Operands of = operands(test, 0.0f);
      OpRun run(element);
      expect_close(run.run(record(run, test, of, 1e-5f)), expected(test, of, 1e-5), element,
                   float_error(test));
    }
  }
}

// Whatever kernels serve it; avoided: a kernel to do without.
void expect_double(const Case& test, DType element, std::string avoided) {
  const Operands of = operands(test, 0.0f);
  OpRun run(element);
  run.avoid({std::move(avoided)});
  expect_close(run.run(record(run, test, of, 1e-5f)), expected(test, of, 1e-5), element,
               float_error(test));
}

TEST(GroupNorm, AgreesWithDoubleInEveryWay) {
  for (const DType element : element_types()) {
    for (const Case& test : kGroupNorm) {
      SCOPED_TRACE(to_text(test.shape));
      expect_double(test, element, "norm/channel_scale");
      expect_double(test, element, "norm/group_norm");
    }
  }
}

TEST(GroupNorm, SurvivesALargeOffset) {
  for (const Case& test : kGroupNorm) {
    SCOPED_TRACE(to_text(test.shape));
    const Operands of = operands(test, 4096.0f);  // multiples of 2^-10: exact in float32
    OpRun run(DType::f32);
    expect_close(run.run(record(run, test, of, 1e-6f)), expected(test, of, 1e-6), DType::f32,
                 float_error(test));
  }
}

TEST(GroupNorm, TakesOverAFollowingSilu) {
  for (const DType element : element_types()) {
    const Case& test = kGroupNorm[0];
    const Operands of = operands(test, 0.0f);
    OpRun run(element);
    const auto actual = run.run(silu(record(run, test, of, 1e-5f)));
    EXPECT_EQ(run.plan().nodes.size(), 1u);
    expect_close(actual, reference::map(expected(test, of, 1e-5), reference::silu), element,
                 2.0 * float_error(test));
  }
}

TEST(GroupNorm, SplitsLargeGroupsAmongWorkgroups) {
  for (const std::uint32_t side : {16u, 128u}) {
    Graph graph("test", DType::f32);
    const Tensor x = graph.persistent("x", {1, side, side, 64}, DType::f32);
    const auto vector = [&](const char* name) {
      return graph.constant({.name = name, .dims = {64}, .dtype = DType::f32, .read = {}});
    };
    graph.keep(silu(group_norm(x, vector("scale"), vector("shift"), 4, 1e-5f)), "y");
    DeviceProfile device;
    device.max_storage_buffers = 8;
    const Plan plan = compile(graph, device);
    EXPECT_EQ(plan.dispatches.size(), side == 16 ? 1u : 2u);
    EXPECT_EQ(plan.nodes.size(), 1u);
  }
}

TEST(GroupNorm, LeavesASiluAloneWhoseInputIsUsedTwice) {
  const Case& test = kGroupNorm[5];
  const Operands of = operands(test, 0.0f);
  OpRun run(DType::f32);
  const Tensor norm = record(run, test, of, 1e-5f);
  const auto actual = run.run(silu(norm) + norm);
  EXPECT_EQ(run.plan().nodes.size(), 3u);
  const auto sum = [](double x) { return x + reference::silu(x); };
  expect_close(actual, reference::map(expected(test, of, 1e-5), sum), DType::f32,
               3.0 * float_error(test));
}

TEST(GroupNorm, GivesAnImageTheSameBytesAloneAndInABatch) {
  const Case pair{{2, 5, 9, 96}, 32}, alone{{1, 5, 9, 96}, 32};
  Operands of = operands(pair, 0.0f);
  OpRun first(DType::f32);
  std::vector<float> both = first.run(record(first, pair, of, 1e-5f));
  const auto half = std::ptrdiff_t(of.x.size() / 2);
  of.x.erase(of.x.begin(), of.x.begin() + half);
  both.erase(both.begin(), both.begin() + half);
  OpRun second(DType::f32);
  EXPECT_EQ(second.run(record(second, alone, of, 1e-5f)), both);
}

TEST(GroupNorm, RefusesGroupsThatDoNotDivideTheChannels) {
  OpRun run(DType::f32);
  const Case test{{1, 2, 2, 10}, 3};
  EXPECT_THROW(record(run, test, operands(test, 0.0f), 1e-5f), Error);
}

}  // namespace
}  // namespace kiln::test
