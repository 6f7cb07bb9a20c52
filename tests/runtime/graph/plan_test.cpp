// The planner on tapes without a device: fusion, liveness, barriers, limits.
#include "runtime/graph/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "runtime/base/error.h"
#include "runtime/ops/ops.h"
#include "tests/runtime/graph/fake_ops.h"

namespace kiln {
namespace {

using ::testing::HasSubstr;

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

// A tape of random operations over a few live tensors.
void record_random(Graph& graph, std::mt19937& random, int length) {
  std::vector<Tensor> alive = {graph.persistent("in", {1, 4, 4, 8}, DType::f32)};
  for (int i = 0; i < length; ++i) {
    const Tensor a = alive[random() % alive.size()];
    const Tensor b = alive[random() % alive.size()];
    switch (random() % 4) {
      case 0:
        alive.push_back(fake::add(a, b));
        break;
      case 1:
        alive.push_back(fake::square(a));
        break;
      default:
        alive.push_back(fake::copy(a, random() % 3 * 1000));
        break;
    }
    if (alive.size() > 5) alive.erase(alive.begin() + std::ptrdiff_t(random() % alive.size()));
  }
  for (std::size_t i = 0; i < alive.size(); ++i) {
    const Value& value = graph.values()[alive[i].id()];
    if (value.kind == Value::Kind::transient) graph.keep(alive[i], "out" + std::to_string(i));
  }
}

bool overlap(const Range& a, const Range& b) {
  return a.space == b.space && a.index == b.index &&
         a.offset_bytes < b.offset_bytes + b.size_bytes &&
         b.offset_bytes < a.offset_bytes + a.size_bytes;
}

// First and last dispatch that touches each operand of the arena.
struct Life {
  Operand operand;
  Range range;
  std::size_t first, last;
};

std::vector<Life> lives_of(const Plan& plan) {
  std::vector<Life> lives;
  for (std::size_t d = 0; d < plan.dispatches.size(); ++d) {
    for (std::size_t o = 0; o < plan.dispatches[d].operands.size(); ++o) {
      const Operand& operand = plan.dispatches[d].operands[o];
      const Range& range = plan.dispatches[d].ranges[o];
      if (range.space != Space::arena) continue;
      const auto known = std::find_if(lives.begin(), lives.end(), [&](const Life& life) {
        return life.operand.kind == operand.kind && life.operand.index == operand.index;
      });
      if (known == lives.end()) {
        lives.push_back({operand, range, d, d});
      } else {
        known->last = d;
        EXPECT_EQ(known->range, range) << "a tensor moved";
      }
    }
  }
  return lives;
}

TEST(Plan, NoTwoLiveTensorsOverlap) {
  std::mt19937 random(1);
  for (int trial = 0; trial < 200; ++trial) {
    Graph graph("random", DType::f32);
    record_random(graph, random, 60);
    const Plan plan = compile(graph, DeviceProfile{});
    const std::vector<Life> lives = lives_of(plan);
    for (const Life& a : lives) {
      EXPECT_LE(a.range.offset_bytes + a.range.size_bytes, plan.arena_bytes);
      EXPECT_EQ(a.range.offset_bytes % DeviceProfile{}.binding_alignment, 0u);
      for (const Life& b : lives) {
        const bool same = a.operand.kind == b.operand.kind && a.operand.index == b.operand.index;
        if (same || a.first > b.last || b.first > a.last) continue;
        EXPECT_FALSE(overlap(a.range, b.range)) << plan.to_text();
      }
    }
    EXPECT_GE(plan.arena_bytes, plan.live_peak_bytes);
    EXPECT_LE(plan.arena_bytes, plan.sum_bytes);
  }
}

TEST(Plan, EveryHazardHasABarrier) {
  std::mt19937 random(2);
  for (int trial = 0; trial < 200; ++trial) {
    Graph graph("random", DType::f32);
    record_random(graph, random, 60);
    const Plan plan = compile(graph, DeviceProfile{});
    for (std::size_t later = 0; later < plan.dispatches.size(); ++later) {
      bool separated = false;
      for (std::size_t earlier = later; earlier-- > 0;) {
        separated = separated || plan.dispatches[earlier + 1].barrier_before;
        const Dispatch &a = plan.dispatches[earlier], &b = plan.dispatches[later];
        for (std::size_t i = 0; i < a.ranges.size(); ++i) {
          for (std::size_t j = 0; j < b.ranges.size(); ++j) {
            const bool hazard = overlap(a.ranges[i], b.ranges[j]) &&
                                (writes(a.kernel->operands[i]) || writes(b.kernel->operands[j]));
            ASSERT_TRUE(!hazard || separated) << earlier << " and " << later << '\n'
                                              << plan.to_text();
          }
        }
      }
    }
  }
}

TEST(Plan, IndependentDispatchesShareOneBarrier) {
  Graph graph("qkv", DType::f32);
  const Tensor x = fake::copy(graph.persistent("in", {1, 1, 1, 64}, DType::f32));
  const Tensor q = fake::copy(x), k = fake::copy(x);
  graph.keep(fake::add(q, k), "out");
  const Plan plan = compile(graph, DeviceProfile{});
  ASSERT_EQ(plan.dispatches.size(), 4u);
  EXPECT_EQ(plan.barriers, 2u);
  EXPECT_TRUE(plan.dispatches[1].barrier_before);
  EXPECT_FALSE(plan.dispatches[2].barrier_before);
  EXPECT_TRUE(plan.dispatches[3].barrier_before);
}

TEST(Fusion, AnOpTakesOverItsOnlyConsumer) {
  Graph graph("fused", DType::f32);
  const Tensor x = graph.persistent("in", {1, 1, 1, 64}, DType::f32);
  graph.keep(fake::square(fake::copy(x)), "out");
  const Plan plan = compile(graph, DeviceProfile{});
  EXPECT_EQ(plan.recorded_nodes, 2u);
  ASSERT_EQ(plan.nodes.size(), 1u);
  EXPECT_EQ(plan.nodes[0].op, "copy squared");
}

TEST(Fusion, AValueWithTwoConsumersStays) {
  Graph graph("shared", DType::f32);
  const Tensor x = fake::copy(graph.persistent("in", {1, 1, 1, 64}, DType::f32));
  graph.keep(fake::add(fake::square(x), x), "out");  // silu(y) + y must keep y
  EXPECT_EQ(compile(graph, DeviceProfile{}).nodes.size(), 3u);
}

TEST(Fusion, AWatchedValueStaysAndCanBeRead) {
  Graph graph("watched", DType::f32);
  graph.watch([](std::string_view path) { return path == "block"; });
  const Tensor x = graph.persistent("in", {1, 1, 1, 64}, DType::f32);
  const Tensor y = graph.mark(fake::copy(x), "block");
  graph.mark(y, "other");
  graph.keep(fake::square(y), "out");
  EXPECT_EQ(compile(graph, DeviceProfile{}).nodes.size(), 2u);
  ASSERT_EQ(graph.taps().size(), 1u);
  EXPECT_EQ(graph.taps()[0].path, "block");
}

TEST(Plan, ATensorBeyondTheBindingLimitIsNamed) {
  Graph graph("large", DType::f32);
  const Tensor x = graph.persistent("in", {1, 1, 1, 4}, DType::f32);
  graph.keep(graph.record(std::make_unique<fake::Copy>(), {x}, {1, 8192, 8192, 8}, DType::f32,
                          "unet.conv_in"),
             "out");
  EXPECT_THAT(message_of([&] { compile(graph, DeviceProfile{}); }),
              AllOf(HasSubstr("unet.conv_in"), HasSubstr("1x8192x8192x8"), HasSubstr("2147483648"),
                    HasSubstr("134217728")));
}

TEST(Plan, AWorkgroupBeyondTheDeviceIsRefused) {
  Graph graph("wide", DType::f32);
  graph.keep(fake::copy(graph.persistent("in", {1, 1, 1, 4}, DType::f32)), "out");
  DeviceProfile device;
  device.max_workgroup_invocations = 32;
  EXPECT_THAT(message_of([&] { compile(graph, device); }),
              AllOf(HasSubstr("fake/copy"), HasSubstr("64"), HasSubstr("32")));
}

TEST(Plan, LoopsLongerThanTheDeviceAllowsAreRefused) {
  const auto compile_for = [](std::uint64_t max_loop_turns) {
    Graph graph("long", DType::f32);
    const Tensor q = graph.persistent("q", {1, 1, 4, 8}, DType::f32);
    const Tensor k = graph.persistent("k", {1, 1, 4000, 8}, DType::f32);
    graph.keep(attention(q, k, k, 1, false, "unet.attn1"), "out");
    DeviceProfile device;
    device.max_loop_turns = max_loop_turns;
    compile(graph, device);
  };
  EXPECT_NO_THROW(compile_for(65'535));
  EXPECT_THAT(message_of([&] { compile_for(999); }),
              AllOf(HasSubstr("unet.attn1"), HasSubstr("turns of a loop"), HasSubstr("999")));
}

TEST(Plan, ADeviceWithTooFewStorageBuffersIsRefused) {
  Graph graph("buffers", DType::f32);
  graph.keep(fake::copy(graph.persistent("in", {1, 1, 1, 4}, DType::f32)), "out");
  DeviceProfile device;
  device.max_storage_buffers = 1;
  EXPECT_THAT(message_of([&] { compile(graph, device); }), HasSubstr("storage buffers"));
}

TEST(Plan, TextNamesNodesKernelsAndTotals) {
  Graph graph("small", DType::f32);
  graph.keep(fake::copy(graph.persistent("in", {1, 1, 1, 4}, DType::f32)), "out");
  EXPECT_THAT(compile(graph, DeviceProfile{}).to_text(),
              AllOf(HasSubstr("fake/copy"), HasSubstr("<in"), HasSubstr(">out"),
                    HasSubstr("1 nodes recorded, 1 after fusion")));
}

TEST(Graph, APersistentTensorHasOneShape) {
  Graph graph("shapes", DType::f32);
  graph.persistent("context", {1, 1, 77, 64}, DType::f32);
  EXPECT_THAT(message_of([&] {
                graph.persistent("context", {2, 1, 77, 64}, DType::f32);
              }),
              AllOf(HasSubstr("context"), HasSubstr("1x1x77x64"), HasSubstr("2x1x77x64")));
}

TEST(Graph, TensorsOfAnotherGraphAreRefused) {
  Graph a("a", DType::f32), b("b", DType::f32);
  const Tensor x = a.persistent("x", {1, 1, 1, 1}, DType::f32);
  EXPECT_THAT(
      message_of([&] { b.record(std::make_unique<fake::Copy>(), {x}, x.shape(), x.dtype()); }),
      HasSubstr("not of this graph"));
}

}  // namespace
}  // namespace kiln
