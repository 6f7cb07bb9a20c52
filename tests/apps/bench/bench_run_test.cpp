// What `kiln bench kernels` times is right first: samples, names, and kernels that are spoiled.
#include "apps/kiln/bench_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "apps/kiln/bench_shapes.h"
#include "apps/kiln/profile_peak.h"
#include "runtime/base/error.h"
#include "tests/models/tapes/spoiled_kernel.h"

namespace kiln::app {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

// One small problem of every form a sample has.
constexpr std::pair<const char*, const char*> kSmall[] = {
    {"matmul", "130x70x36"},
    {"matmul", "1x8x8x16->20 k1"},
    {"conv", "2x9x10x8->20"},
    {"conv", "2x9x10x8->20 s2"},
    {"conv", "1x8x8x16->20 s2 right_bottom"},
    {"conv", "2x5x7x8->20 up2"},
    {"conv", "1x8x8x32->36 up2"},
    {"attention", "2x4x33x77x40"},
    {"attention", "2x4x33x33x40 causal"},
    {"norm", "group_norm 2x8x8x64"},
    {"norm", "group_norm 2x8x8x64 silu"},
    {"norm", "layer_norm 1x1x100x320"},
    {"elementwise", "geglu 1x1x100x128"},
    {"elementwise", "silu 1x8x8x64"},
    {"elementwise", "add 2x8x8x64"},
    {"elementwise", "concat 1x8x8x64+32"},
    {"elementwise", "upsample 2x8x8x64"},
};

class BenchRun : public testing::Test {
 protected:
  static void SetUpTestSuite() { device_ = new OpenDevice; }
  static void TearDownTestSuite() {
    EXPECT_EQ(device_->validation_messages(), 0u);
    delete device_;
    device_ = nullptr;
  }
  BenchTimes run(const BenchProblem& problem, const BenchOptions& options) {
    return run_bench(*device_, device_->profile(), problem, options);
  }
  static OpenDevice* device_;
};
OpenDevice* BenchRun::device_ = nullptr;

TEST_F(BenchRun, EveryKindIsRightAndTimedInBothElementTypes) {
  for (const DType element : {DType::f32, DType::f16}) {
    if (element == DType::f16 && !device_->profile().serves(kNeedStorage16)) continue;
    for (const auto& [group, name] : kSmall) {
      const BenchTimes times =
          run(problem_from_name(group, name), {.element = element, .repeat = 2});
      EXPECT_THAT(times.problem, IsEmpty()) << group << ' ' << name;
      EXPECT_THAT(times.ms, SizeIs(2)) << group << ' ' << name;
      EXPECT_GE(times.dispatches, 1u);
      EXPECT_FALSE(times.kernels.empty());
    }
  }
}

// Every sum of the kernel is a difference: no result of its can be right.
TEST_F(BenchRun, AWrongKernelIsToldAndNotTimed) {
  for (const auto& [group, name] :
       {kSmall[0], kSmall[2], kSmall[5], kSmall[7], kSmall[10], kSmall[14]}) {
    const BenchProblem problem = problem_from_name(group, name);
    const BenchTimes right = run(problem, {.repeat = 1});
    ASSERT_FALSE(right.kernels.empty()) << right.problem;
    const BenchTimes wrong =
        run(problem, {.repeat = 1, .replace = test::spoiled(right.kernels.back())});
    EXPECT_TRUE(wrong.wrong) << name;
    EXPECT_THAT(wrong.problem, HasSubstr("wrong: element ")) << name;
    EXPECT_THAT(wrong.ms, IsEmpty()) << name;
  }
}

TEST_F(BenchRun, AKernelThatDoesNotServeIsToldAndNotTimed) {
  const BenchTimes times =
      run(problem_from_name("matmul", "8x8x8"), {.repeat = 1, .kernel = "norm/layer_norm"});
  EXPECT_THAT(times.problem, HasSubstr("norm/layer_norm does not serve it"));
  EXPECT_FALSE(times.wrong);
  EXPECT_THAT(times.ms, IsEmpty());
}

TEST_F(BenchRun, WhatTheDeviceHasNoRoomForIsTold) {
  DeviceProfile small = device_->profile();
  small.max_binding_bytes = 1024;
  const BenchTimes times =
      run_bench(*device_, small, problem_from_name("elementwise", "silu 1x64x64x64"), {});
  EXPECT_THAT(times.problem, Not(IsEmpty()));
  EXPECT_FALSE(times.wrong);
}

TEST_F(BenchRun, FilledCachesCountInNoLaunch) {
  const BenchProblem problem = problem_from_name("elementwise", "silu 1x8x8x64");
  const BenchTimes times = run(problem, {.repeat = 3, .cold = true});
  EXPECT_THAT(times.ms, SizeIs(3)) << times.problem;
  EXPECT_THAT(times.kernels, Not(Contains("bench/peak_stream")));
  EXPECT_EQ(times.dispatches, 1u);
}

TEST_F(BenchRun, TheSixteenBitPeakIsMeasuredWhereTheDeviceComputesInSixteenBits) {
  const bool served = device_->profile().serves(kNeedFloat16);
  EXPECT_EQ(measure_half_peak(device_->info()) > 0, served);
}

TEST(BenchShapes, NamesAreReadAsTheyAreWritten) {
  for (const BenchSet& set : bench_sets()) {
    for (const BenchShape& shape : set.shapes()) {
      const BenchProblem& problem = shape.problem;
      const std::string name = problem.name();
      const BenchProblem read = problem_from_name(problem.group(), name);
      EXPECT_EQ(read.flops(), problem.flops()) << name;
      EXPECT_EQ(read.bytes(DType::f32), problem.bytes(DType::f32)) << name;
    }
  }
}

// performance.md, 1.2: 401.6 GMAC an image in the UNet of SD 1.5 at 512x512, 3380.6 in SDXL's; both
// sets hold two images. Causal attention counts half.
TEST(BenchShapes, CountsAreThoseOfTheNetworks) {
  const auto gmac = [](std::string_view name) {
    double sum = 0;
    for (const BenchSet& set : bench_sets()) {
      if (set.name != name) continue;
      for (const BenchShape& shape : set.shapes()) {
        sum += double(shape.problem.flops()) * shape.count;
      }
    }
    return sum * 0.5e-9;
  };
  EXPECT_NEAR(gmac("sd15-512"), 2 * 401.6, 1);
  EXPECT_NEAR(gmac("sd15-256"), 2 * 90.1, 0.5);
  EXPECT_NEAR(gmac("sdxl-1024"), 2 * 3380.6, 1);
  EXPECT_NEAR(gmac("clip"), 2 * 6.65, 0.2);
}

class BadName : public testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(BadName, IsRefusedWithTheFormExpected) {
  try {
    problem_from_name(GetParam().first, GetParam().second);
    FAIL() << "was read";
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::usage);
    EXPECT_THAT(error.what(), HasSubstr("[--shape]"));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Names, BadName,
    testing::Values(
        std::pair("matmul", ""), std::pair("matmul", "8x8"), std::pair("matmul", "8x0x8"),
        std::pair("matmul", "8x8x8x"), std::pair("matmul", "99999999999x8x8"),
        std::pair("matmul", "1048576x1048576x1"), std::pair("conv", "8x8x8"),
        std::pair("conv", "2x8x8x8->"), std::pair("conv", "2x8x8x8->8 s2 up2"),
        std::pair("conv", "2x8x8x8->8 k1 up2"), std::pair("attention", "1x16777216x1x1x9"),
        std::pair("norm", "layer_norm 1x1x8x8 silu"), std::pair("norm", "group_norm 1x8x8x33"),
        std::pair("elementwise", "tanh 8"), std::pair("elementwise", "concat 1x8x8x8"),
        std::pair("elementwise", "geglu 1x1x8x7")));

}  // namespace
}  // namespace kiln::app
