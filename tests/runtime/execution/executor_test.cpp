// Stages on the device under test: persistent tensors, replay, the arena, weights, timing.
#include "runtime/execution/executor.h"

#include <gmock/gmock.h>

#include <cstring>
#include <numeric>

#include "runtime/ops/ops.h"
#include "tests/runtime/vulkan/on_device.h"

namespace kiln {
namespace {

using testing::HasSubstr;

constexpr std::uint32_t kWidth = 1000;
constexpr Shape kShape{1, 1, kWidth, 4};

std::vector<float> ramp(float step = 1.0f, std::size_t count = kShape.elements()) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = step * float(i % 1024);
  return values;
}

class ExecutorTest : public test::OnDevice {
 protected:
  Executor& executor() {
    if (executor_ == nullptr) executor_ = std::make_unique<Executor>(device());
    return *executor_;
  }
  void TearDown() override {
    executor_.reset();
    OnDevice::TearDown();
  }

  // y = factor^length * x in `length` dispatches.
  Plan chain(std::string name, float factor, int length, Shape shape = kShape,
             std::string from = "x", std::string to = "y") {
    Graph graph(std::move(name), DType::f32);
    Tensor value = graph.persistent(from, shape, DType::f32, Traffic::host_writes);
    for (int i = 0; i < length; ++i) value = scale(value, factor, "link" + std::to_string(i));
    graph.keep(value, to, Traffic::host_reads);
    return compile(graph, device().profile());
  }

  // total = total + x, in place of a sampler's state.
  Plan accumulate() {
    Graph graph("accumulate", DType::f32);
    const Tensor x = graph.persistent("x", kShape, DType::f32, Traffic::host_writes);
    const Tensor total = graph.persistent("total", kShape, DType::f32);
    Plan plan;
    graph.keep(add(total, x, "sum"), "next", Traffic::device_only);
    plan = compile(graph, device().profile());
    // The sum is written over its own operand: element by element, so that is well defined.
    for (PlannedPersistent& tensor : plan.persistents) {
      if (tensor.name == "next") tensor.name = "total";
    }
    return plan;
  }

  // y = x + w, with a weight of kShape's elements broadcast over pixels.
  Plan with_weight(const std::string& name, int* reads) {
    Graph graph("weighted " + name, DType::f32);
    const Tensor x = graph.persistent("x", kShape, DType::f32, Traffic::host_writes);
    const Tensor w = graph.constant({name, {4}, DType::f32, [reads](std::span<std::byte> out) {
                                       if (reads != nullptr) ++*reads;
                                       const float values[] = {1, 2, 3, 4};
                                       std::memcpy(out.data(), values, out.size());
                                     }});
    graph.keep(add(x, w, "biased"), "y", Traffic::host_reads);
    return compile(graph, device().profile());
  }

  std::string error_of(const std::function<void()>& action) {
    try {
      action();
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }

  std::unique_ptr<Executor> executor_;
};

TEST_F(ExecutorTest, PersistentTensorsOfEveryTrafficComeBackAsWritten) {
  const auto stage = executor().prepare(accumulate());
  const auto values = ramp(0.5f), others = ramp(-3.0f);
  executor().write_values("x", values);
  executor().write_values("total", others);  // device only: staged
  EXPECT_EQ(executor().read_values<float>("x"), values);
  EXPECT_EQ(executor().read_values<float>("total"), others);
  EXPECT_EQ(executor().counters().host_writes, 2u);
  EXPECT_EQ(executor().counters().host_reads, 2u);
}

TEST_F(ExecutorTest, AChainThatReusesMemoryGivesTheProductOfItsFactors) {
  Plan plan = chain("chain", 0.5f, 12);
  EXPECT_LE(plan.arena_bytes, 2 * plan.persistents[0].size_bytes + 4096);
  EXPECT_EQ(plan.barriers, 11u);
  const auto stage = executor().prepare(std::move(plan));
  executor().write_values("x", ramp(4096.0f));
  stage->submit();
  EXPECT_EQ(executor().read_values<float>("y"), ramp(1.0f));
}

TEST_F(ExecutorTest, AStepOfALoopOnlySubmits) {
  constexpr int kSteps = 25;
  const auto stage = executor().prepare(accumulate());
  executor().write_values("x", ramp());
  executor().write_values("total", ramp());
  const Counters before = executor().counters();
  std::uint64_t last = 0;
  for (int step = 0; step < kSteps; ++step) {
    const std::uint64_t value = stage->submit();
    EXPECT_GT(value, last);
    last = value;
  }
  const Counters after = executor().counters();
  EXPECT_EQ(after.submissions - before.submissions, unsigned(kSteps));
  EXPECT_EQ(after.batches - before.batches, unsigned(kSteps));
  EXPECT_EQ(after.dispatches - before.dispatches, unsigned(kSteps));
  EXPECT_EQ(after.barriers - before.barriers, unsigned(kSteps));
  EXPECT_EQ(after.host_writes, before.host_writes);
  EXPECT_EQ(after.host_reads, before.host_reads);
  EXPECT_EQ(after.recordings, 1u);
  EXPECT_EQ(after.bytes_uploaded, 0u);
  executor().wait(last);
  EXPECT_TRUE(executor().completed(last));
  EXPECT_EQ(executor().read_values<float>("total"), ramp(1.0f + kSteps));
}

TEST_F(ExecutorTest, TwoStagesMeetInAPersistentTensor) {
  const auto first = executor().prepare(chain("first", 3.0f, 2, kShape, "x", "middle"));
  const auto second = executor().prepare(chain("second", 2.0f, 3, kShape, "middle", "y"));
  executor().write_values("x", ramp());
  first->submit();
  second->submit();
  EXPECT_EQ(executor().read_values<float>("y"), ramp(72.0f));
}

TEST_F(ExecutorTest, APersistentTensorWithAnotherShapeIsAnErrorWithBoth) {
  const auto stage = executor().prepare(chain("one", 1.0f, 2));
  EXPECT_THAT(error_of([&] {
                executor().prepare(chain("two", 1.0f, 2, {1, 1, 8, 4}));
              }),
              HasSubstr("[x] is 1x1x8x4 F32 in this plan and 1x1x1000x4 F32 in an earlier one"));
}

TEST_F(ExecutorTest, TensorsGoWithTheLastStageThatNamesThem) {
  auto stage = executor().prepare(chain("one", 1.0f, 2));
  executor().write_values("x", ramp());
  stage.reset();
  EXPECT_THAT(error_of([&] { executor().write_values("x", ramp()); }),
              HasSubstr("[x] no stage has a persistent tensor of this name"));
  EXPECT_EQ(executor().memory().persistent_bytes, 0u);
  stage = executor().prepare(chain("two", 1.0f, 2, {1, 1, 8, 4}));
  EXPECT_THAT(error_of([&] { executor().write_values("x", ramp()); }),
              HasSubstr("which is 128 bytes, not 16000"));
}

TEST_F(ExecutorTest, AStageRecordsAgainAfterTheArenaGrew) {
  const auto small = executor().prepare(chain("small", 2.0f, 3));
  const std::uint64_t before = executor().memory().arena_bytes;
  executor().write_values("x", ramp());
  small->submit();
  const auto large =
      executor().prepare(chain("large", 2.0f, 3, {1, 64, 1024, 4}, "wide x", "wide y"));
  EXPECT_GT(executor().memory().arena_bytes, before);
  executor().write_values("wide x", ramp(1.0f, 64 * 1024 * 4));
  small->submit();
  large->submit();
  small->submit();
  EXPECT_EQ(executor().read_values<float>("y"), ramp(8.0f));
  EXPECT_EQ(executor().read_values<float>("wide y"), ramp(8.0f, 64 * 1024 * 4));
  EXPECT_EQ(executor().counters().recordings, 3u);
}

TEST_F(ExecutorTest, AnArenaReservedFirstIsNotRecordedTwice) {
  executor().reserve_arena(8 << 20);
  const auto small = executor().prepare(chain("small", 2.0f, 3));
  const auto large =
      executor().prepare(chain("large", 2.0f, 3, {1, 64, 1024, 4}, "wide x", "wide y"));
  small->submit();
  EXPECT_EQ(executor().counters().recordings, 2u);
  EXPECT_EQ(executor().memory().arena_bytes, 8u << 20);
}

TEST_F(ExecutorTest, WorkAboveTheLimitIsCutIntoBatches) {
  Plan plan = chain("heavy", 2.0f, 7);
  for (Dispatch& dispatch : plan.dispatches) {
    dispatch.flops = device().profile().max_submission_flops / 2;
  }
  const auto stage = executor().prepare(std::move(plan));
  executor().write_values("x", ramp());
  stage->submit();
  EXPECT_EQ(executor().read_values<float>("y"), ramp(128.0f));
  EXPECT_EQ(executor().counters().submissions, 1u);
  EXPECT_EQ(executor().counters().batches, 4u);
}

TEST_F(ExecutorTest, AWeightIsReadAndUploadedOnceForAllPlans) {
  int reads = 0;
  std::vector<std::uint64_t> progress;
  const auto first = executor().prepare(with_weight("w", &reads), {},
                                        [&](std::uint64_t done, std::uint64_t total) {
                                          progress = {done, total};
                                        });
  const auto second = executor().prepare(with_weight("w", &reads));
  EXPECT_EQ(reads, 1);
  EXPECT_EQ(progress, (std::vector<std::uint64_t>{16, 16}));
  EXPECT_EQ(executor().counters().weights_uploaded, 1u);
  EXPECT_EQ(executor().counters().bytes_uploaded, 16u);
  executor().write_values("x", std::vector<float>(kShape.elements(), 10.0f));
  second->submit();
  const auto y = executor().read_values<float>("y");
  for (std::size_t i = 0; i < y.size(); ++i) ASSERT_EQ(y[i], 11.0f + float(i % 4));
}

TEST_F(ExecutorTest, AnUploadThatIsStoppedLeavesTheStoreAsItWas) {
  const auto stop = [](std::uint64_t, std::uint64_t) { throw Error("stop", Fault::cancelled); };
  EXPECT_THROW(executor().prepare(with_weight("w", nullptr), {}, stop), Error);
  EXPECT_EQ(executor().memory().weight_bytes, 0u);
  EXPECT_EQ(executor().counters().weights_uploaded, 0u);
  int reads = 0;
  const auto stage = executor().prepare(with_weight("w", &reads));
  EXPECT_EQ(reads, 1);
}

TEST_F(ExecutorTest, WithoutMappedDeviceMemoryWeightsAndTensorsAreStaged) {
  as_discrete();
  constexpr std::uint32_t kRows = 300'000;  // 37 MB: more than one half of the staging memory
  Graph graph("table", DType::f32);
  const Tensor ids = graph.persistent("ids", {1, 1, 4, 1}, DType::u32, Traffic::host_writes);
  const auto counting = [](std::span<std::byte> out) {
    for (std::size_t i = 0; i < out.size() / 4; ++i) {
      const float value = float(i);
      std::memcpy(out.data() + 4 * i, &value, 4);
    }
  };
  const auto zeros = [](std::span<std::byte> out) { std::memset(out.data(), 0, out.size()); };
  const Tensor table = graph.constant({"table", {kRows, 32}, DType::f32, counting});
  const Tensor positions = graph.constant({"positions", {4, 32}, DType::f32, zeros});
  graph.keep(token_embedding(ids, table, positions, "embedding"), "rows", Traffic::host_reads);
  const auto stage = executor().prepare(compile(graph, device().profile()));
  EXPECT_GT(executor().memory().staging_bytes, 0u);
  executor().write_values<std::uint32_t>("ids", {0, 1, kRows / 2, kRows - 1});
  stage->submit();
  const auto rows = executor().read_values<float>("rows");
  for (const std::uint32_t column : {0u, 31u}) {
    EXPECT_EQ(rows[column], float(column));
    EXPECT_EQ(rows[32 + column], float(32 + column));
    EXPECT_EQ(rows[64 + column], float(kRows / 2 * 32 + column));
    EXPECT_EQ(rows[96 + column], float((kRows - 1) * 32 + column));
  }
}

TEST_F(ExecutorTest, FewAllocationsServeManyTensors) {
  const auto weighted = executor().prepare(with_weight("w", nullptr));
  const auto sums = executor().prepare(accumulate());
  executor().write_values("total", ramp());
  executor().read_values<float>("total");
  const MemoryReport report = executor().memory();
  EXPECT_LT(report.allocations, 10u);
  EXPECT_GT(report.weight_bytes, 0u);
  EXPECT_GT(report.persistent_bytes, 0u);
}

TEST_F(ExecutorTest, ATimedStageGivesATimeForEachDispatch) {
  if (device().info().timestamp_bits == 0) GTEST_SKIP() << "the device has no clock";
  StageOptions options;
  options.timing = Timing::dispatches;
  const auto stage = executor().prepare(chain("timed", 2.0f, 5), options);
  EXPECT_THAT(error_of([&] { stage->dispatch_ms(); }), HasSubstr("was never submitted"));
  executor().write_values("x", ramp());
  for (int i = 0; i < 3; ++i) stage->submit();
  const auto times = stage->dispatch_ms();
  EXPECT_EQ(times.size(), 5u);
  for (const double time : times) EXPECT_GE(time, 0.0);
  EXPECT_LT(std::accumulate(times.begin(), times.end(), 0.0), 60'000.0);
  const auto plain = executor().prepare(chain("plain", 2.0f, 5));
  EXPECT_THAT(error_of([&] { plain->dispatch_ms(); }),
              HasSubstr("[stage plain] does not time its dispatches"));
}

TEST_F(ExecutorTest, AKernelTheDeviceCannotRunIsNamed) {
  Plan plan = chain("impossible", 2.0f, 2);
  KernelInfo kernel = *plan.dispatches[0].kernel;
  kernel.needs = 0x80000000u;
  plan.dispatches[0].kernel = &kernel;
  EXPECT_THAT(error_of([&] { executor().prepare(std::move(plan)); }),
              HasSubstr("[kernel elementwise/unary] needs features"));
}

}  // namespace
}  // namespace kiln
