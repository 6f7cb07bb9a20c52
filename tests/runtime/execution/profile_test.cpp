// Sums over a profile of made-up moments, clocks that wrap, and stages timed on a device.
#include "runtime/execution/profile.h"

#include <gmock/gmock.h>

#include <map>

#include "runtime/execution/executor.h"
#include "runtime/execution/profile_summary.h"
#include "runtime/ops/ops.h"
#include "tests/runtime/vulkan/on_device.h"

namespace kiln {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

PhysicalDeviceInfo clock_of(std::uint32_t bits, double tick_ns) {
  PhysicalDeviceInfo device;
  device.profile.name = "a device";
  device.timestamp_bits = bits;
  device.timestamp_ns = tick_ns;
  return device;
}

template <typename Action>
std::string error_of(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(DeviceClock, CountsInTicksAndGoesOnWhereTheCounterWraps) {
  const DeviceClock narrow(clock_of(32, 10.0));
  EXPECT_DOUBLE_EQ(narrow.nanoseconds(5, 25), 200.0);
  EXPECT_DOUBLE_EQ(narrow.nanoseconds(0xfffffff0u, 0x10u), 320.0);
  EXPECT_DOUBLE_EQ(narrow.nanoseconds(25, 5), -200.0);
  const DeviceClock wide(clock_of(64, 1.0));
  EXPECT_DOUBLE_EQ(wide.nanoseconds(~0ull, 9), 10.0);
}

TEST(DeviceClock, ADeviceWithoutClockIsNamed) {
  const std::string expected = "[profile] the compute queue of a device has no clock";
  EXPECT_THAT(error_of([] { DeviceClock clock(clock_of(0, 0.0)); }), HasSubstr(expected));
  Profile profile(Timing::dispatches);
  EXPECT_THAT(error_of([&] { profile.open(clock_of(0, 0.0)); }), HasSubstr(expected));
  Profile captured_only(Timing::none);
  EXPECT_EQ(error_of([&] { captured_only.open(clock_of(0, 0.0)); }), "no error");
}

constexpr Access kAccess[] = {Access::read, Access::write};
constexpr KernelInfo kFirst{
    .name = "a/first", .operands = kAccess, .constant_ids = {}, .spirv = {}};
constexpr KernelInfo kSecond{
    .name = "a/second", .operands = kAccess, .constant_ids = {}, .spirv = {}};

// Two dispatches of one kernel and one of another, under three paths.
Plan three_dispatches() {
  Plan plan;
  plan.name = "stage";
  const KernelInfo* kernels[] = {&kFirst, &kSecond, &kFirst};
  const char* paths[] = {"net.down.0", "net.down", "net.up"};
  for (std::uint32_t i = 0; i < 3; ++i) {
    plan.nodes.push_back({paths[i], "op", "1x1x1x1 -> 1x1x1x1"});
    Dispatch dispatch;
    dispatch.kernel = kernels[i];
    dispatch.operands.resize(2);
    dispatch.ranges = {{Space::arena, 0, 0, 1000}, {Space::arena, 0, 1024, 500}};
    dispatch.node = i;
    dispatch.flops = 100 * (i + 1);
    plan.dispatches.push_back(dispatch);
  }
  return plan;
}

// One run from 0 to 100 us with dispatches of 20, 30 and 40 us, and the same again 1 ms later.
void fill(Profile& profile) {
  profile.open(clock_of(64, 1000.0));
  const std::size_t stage = profile.add_stage(three_dispatches());
  const std::uint64_t first[] = {50, 150, 50, 70, 75, 105, 110, 150};
  std::uint64_t second[8];
  for (std::size_t i = 0; i < 8; ++i) second[i] = first[i] + 1000;
  profile.add_run(stage, second, 2000.0);
  profile.add_run(stage, first, 300.0);
}

TEST(ProfileSummary, SumsByKernelByPathAndByStageAreTheSame) {
  Profile profile(Timing::dispatches);
  fill(profile);
  EXPECT_DOUBLE_EQ(sum_of_all(profile).us, 180.0);
  const auto kernels = sums_by_kernel(profile);
  ASSERT_EQ(kernels.size(), 2u);
  EXPECT_EQ(kernels[0].name, "a/first");
  EXPECT_DOUBLE_EQ(kernels[0].us, 120.0);
  EXPECT_EQ(kernels[0].launches, 4u);
  EXPECT_EQ(kernels[0].flops, 800u);
  EXPECT_EQ(kernels[0].bytes, 6000u);
  EXPECT_DOUBLE_EQ(kernels[0].gigabytes_a_second(), 0.05);

  const auto paths = sums_by_path(profile, 3);
  std::vector<std::string> names;
  for (const ProfileSum& sum : paths) names.push_back(sum.name);
  EXPECT_THAT(names, ElementsAre("net", "net.down", "net.down.0", "net.up"));
  EXPECT_DOUBLE_EQ(paths[0].us, 180.0);
  EXPECT_DOUBLE_EQ(paths[1].us, 100.0);
  EXPECT_EQ(paths[1].launches, 4u);
  EXPECT_EQ(paths[2].depth, 2u);
  EXPECT_EQ(sums_by_path(profile, 1).size(), 1u);
  EXPECT_TRUE(sums_by_path(profile, 0).empty());
}

TEST(ProfileSummary, AStageKnowsItsGapsAndWhatItsDispatchesCover) {
  Profile profile(Timing::dispatches);
  fill(profile);
  const auto stages = sums_by_stage(profile);
  ASSERT_EQ(stages.size(), 1u);
  EXPECT_EQ(stages[0].submissions, 2u);
  EXPECT_EQ(stages[0].dispatches, 3u);
  EXPECT_DOUBLE_EQ(stages[0].device_us, 200.0);
  EXPECT_DOUBLE_EQ(stages[0].median_us, 100.0);
  EXPECT_DOUBLE_EQ(stages[0].coverage(), 0.9);
  EXPECT_DOUBLE_EQ(stages[0].gap_median_us, 5.0);
}

TEST(Profile, RunsAreInTheOrderOfTheDeviceAndNotBeforeTheirSubmission) {
  Profile profile(Timing::dispatches);
  fill(profile);
  ASSERT_EQ(profile.runs().size(), 2u);
  EXPECT_DOUBLE_EQ(profile.runs()[1].device.begin_us - profile.runs()[0].device.begin_us, 1000.0);
  const double offset = profile.device_to_host_us();
  for (const ProfiledRun& run : profile.runs()) {
    EXPECT_GE(run.device.begin_us + offset, run.submitted_us);
  }
}

TEST(Profile, ADispatchThatTheDeviceReachedEarlyBeginsWhereTheOneBeforeEnded) {
  Profile profile(Timing::dispatches);
  profile.open(clock_of(64, 1000.0));
  const std::size_t stage = profile.add_stage(three_dispatches());
  const std::uint64_t ticks[] = {10, 60, 10, 30, 12, 40, 13, 60};
  profile.add_run(stage, ticks, 0.0);
  const ProfiledRun& run = profile.runs().front();
  for (std::size_t i = 1; i < 3; ++i) {
    EXPECT_DOUBLE_EQ(run.dispatches[i].begin_us, run.dispatches[i - 1].end_us);
  }
  EXPECT_DOUBLE_EQ(sums_by_stage(profile)[0].coverage(), 1.0);
}

class ProfileTest : public test::OnDevice {
 protected:
  // A stage of `length` dispatches, submitted `times` times; what the host sees of its result.
  std::vector<float> run(const std::shared_ptr<Profile>& profile, int length, int times) {
    Executor executor(device(), profile);
    Graph graph("chain", DType::f32);
    Tensor value = graph.persistent("x", {1, 1, 100, 4}, DType::f32, Traffic::host_writes);
    for (int i = 0; i < length; ++i) value = scale(value, 2.0f, "net." + std::to_string(i));
    graph.keep(value, "y", Traffic::host_reads);
    const auto stage = executor.prepare(compile(graph, device().profile()));
    executor.write_values("x", std::vector<float>(400, 1.5f));
    for (int i = 0; i < times; ++i) stage->submit();
    std::vector<float> result = executor.read_values<float>("y");
    return result;
  }
};

TEST_F(ProfileTest, MomentsOfADeviceFollowEachOther) {
  if (device().info().timestamp_bits == 0) GTEST_SKIP() << "the device has no clock";
  const auto profile = std::make_shared<Profile>(Timing::dispatches);
  const std::vector<float> plain = run(nullptr, 6, 5);
  EXPECT_EQ(run(profile, 6, 5), plain);
  ASSERT_EQ(profile->runs().size(), 5u);
  double before = 0;
  for (const ProfiledRun& run : profile->runs()) {
    EXPECT_GE(run.device.begin_us, before);
    before = run.device.begin_us;
    ASSERT_EQ(run.dispatches.size(), 6u);
    for (const Span& span : run.dispatches) {
      EXPECT_GE(span.begin_us, before);
      EXPECT_GE(span.end_us, span.begin_us);
      before = span.end_us;
    }
    EXPECT_GE(run.device.end_us, before);
  }
}

TEST_F(ProfileTest, SubmissionsAloneAreTimedWithoutTheirDispatches) {
  if (device().info().timestamp_bits == 0) GTEST_SKIP() << "the device has no clock";
  const auto profile = std::make_shared<Profile>(Timing::submissions);
  run(profile, 3, 3);
  ASSERT_EQ(profile->runs().size(), 3u);
  for (const ProfiledRun& run : profile->runs()) {
    EXPECT_TRUE(run.dispatches.empty());
    EXPECT_GE(run.device.us(), 0.0);
  }
}

TEST_F(ProfileTest, EveryAllocationIsRecordedAndGivenBack) {
  const auto profile = std::make_shared<Profile>(Timing::none);
  run(profile, 2, 1);
  std::map<std::uint32_t, std::int64_t> held;
  ASSERT_FALSE(profile->memory().empty());
  for (const ProfiledMemory& change : profile->memory()) {
    held[change.heap] += change.change_bytes;
    EXPECT_EQ(held[change.heap], std::int64_t(change.heap_bytes)) << change.name;
    EXPECT_FALSE(change.name.empty());
  }
  for (const auto& [heap, bytes] : held) EXPECT_EQ(bytes, 0) << "heap " << heap;
}

TEST_F(ProfileTest, CapturingWithoutRenderDocSaysHowToStartIt) {
  Profile profile(Timing::none);
  EXPECT_THAT(error_of([&] { profile.capture("denoise", 0); }),
              HasSubstr("[capture] RenderDoc is not attached"));
}

}  // namespace
}  // namespace kiln
