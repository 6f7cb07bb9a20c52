// A profile of a whole picture: nothing unnamed, nothing counted twice, the same picture.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>

#include "models/pipeline/kiln.h"
#include "models/pipeline/parts.h"
#include "runtime/execution/profile_summary.h"

namespace kiln {
namespace {

constexpr std::uint32_t kSteps = 3;
constexpr std::uint32_t kLatentSide = 8;  // of a picture of 64 pixels

struct Profiled {
  std::vector<Image> pictures;
  std::shared_ptr<Profile> profile;
};

// True if the device that would be chosen can be profiled.
bool has_clock() {
  const std::vector<PhysicalDeviceInfo> devices = list_devices();
  return choose_device(devices, "").timestamp_bits > 0;
}

Profiled paint(std::shared_ptr<Profile> profile) {
  ModelOptions options;
  options.model = KILN_SOURCE_DIR "/tests/golden/sd15-tiny";
  options.precision = Precision::f32;
  options.profile = profile;
  Request request;
  request.prompt = "a castle";
  request.width = request.height = 8 * kLatentSide;
  request.seed = 3;
  request.sampling.steps = kSteps;
  request.sampling.sampler = "euler_ancestral";
  Pipeline pipeline(options);
  std::vector<Image> pictures = pipeline.generate(request);
  EXPECT_EQ(PipelineAccess::parts(pipeline).device.validation_messages(), 0u);
  return {std::move(pictures), std::move(profile)};
}

double total_us(const std::vector<ProfileSum>& sums) {
  double us = 0;
  for (const ProfileSum& sum : sums) us += sum.us;
  return us;
}

std::uint64_t total_flops(const std::vector<ProfileSum>& sums) {
  std::uint64_t flops = 0;
  for (const ProfileSum& sum : sums) flops += sum.flops;
  return flops;
}

class PictureProfile : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (has_clock()) profiled_ = paint(std::make_shared<Profile>(Timing::dispatches));
  }
  static void TearDownTestSuite() { profiled_ = {}; }
  void SetUp() override {
    if (profiled_.profile == nullptr) GTEST_SKIP() << "the device has no clock";
  }
  const Profile& profile() const { return *profiled_.profile; }

  inline static Profiled profiled_;  // painted once for all tests
};

TEST_F(PictureProfile, ThePictureIsTheOneWithoutProfile) {
  EXPECT_EQ(profiled_.pictures, paint(nullptr).pictures);
  EXPECT_EQ(profiled_.pictures, paint(std::make_shared<Profile>(Timing::submissions)).pictures);
}

TEST_F(PictureProfile, EveryStageRanAsOftenAsItShould) {
  std::map<std::string, std::uint32_t> submissions;
  for (const StageSum& row : sums_by_stage(profile())) {
    submissions[row.launches.name] = row.submissions;
    EXPECT_EQ(row.launches.launches, row.submissions * row.dispatches) << row.launches.name;
  }
  const std::map<std::string, std::uint32_t> expected = {
      {"text", 1}, {"start", 1}, {"denoise", kSteps}, {"decode", 1}};
  EXPECT_EQ(submissions, expected);
}

TEST_F(PictureProfile, EveryDispatchIsNamed) {
  for (const ProfiledStage& stage : profile().stages()) {
    for (const ProfiledDispatch& dispatch : stage.dispatches) {
      EXPECT_FALSE(dispatch.path.empty()) << stage.name;
      EXPECT_FALSE(dispatch.kernel.empty()) << dispatch.path;
      EXPECT_FALSE(dispatch.op.empty()) << dispatch.path;
      EXPECT_NE(dispatch.shapes.find('x'), std::string::npos) << dispatch.path;
      EXPECT_GT(dispatch.bytes.total(), 0u) << dispatch.path;
    }
  }
}

TEST_F(PictureProfile, SumsByPathByKernelAndByStageAreTheSame) {
  const ProfileSum all = sum_of_all(profile());
  const double rounding = all.us * 1e-9;
  std::vector<ProfileSum> stages;
  for (const StageSum& row : sums_by_stage(profile())) {
    stages.push_back(row.launches);
    EXPECT_GT(row.coverage(), 0.0) << row.launches.name;
    EXPECT_LE(row.coverage(), 1.0 + 1e-9) << row.launches.name;
  }
  EXPECT_NEAR(total_us(stages), all.us, rounding);
  EXPECT_NEAR(total_us(sums_by_kernel(profile())), all.us, rounding);
  EXPECT_NEAR(total_us(sums_by_path(profile(), 1)), all.us, rounding);
  EXPECT_EQ(total_flops(stages), all.flops);
  EXPECT_EQ(total_flops(sums_by_kernel(profile())), all.flops);
  EXPECT_EQ(total_flops(sums_by_path(profile(), 1)), all.flops);
}

TEST_F(PictureProfile, FlopsAreThoseOfTheFormula) {
  std::map<std::string, std::uint64_t> flops;
  for (const ProfileSum& sum : sums_by_path(profile(), 8)) flops[sum.name] = sum.flops;
  // Two images (with and without the prompt), 8 x 8 latents of 4 channels, 16 channels in the first
  // level, a 3 x 3 kernel; a multiply-add is two.
  const std::uint64_t pixels = 2 * kLatentSide * kLatentSide;
  EXPECT_EQ(flops.at("unet.conv_in"), kSteps * 2 * pixels * 9 * 4 * 16);
  EXPECT_EQ(flops.at("unet.conv_out"), kSteps * 2 * pixels * 9 * 16 * 4);
  // Self-attention of the first level: q, k, v and the output are 16 x 16; scores and their product
  // with v are 64 x 64 x 16 each for an image.
  const std::uint64_t products = 4 * 2 * pixels * 16 * 16;
  const std::uint64_t scores = 2 * 2 * 2 * (64 * 64 * 16);
  EXPECT_EQ(flops.at("unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1"),
            kSteps * (products + scores));
}

}  // namespace
}  // namespace kiln
