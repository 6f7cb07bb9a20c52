// Plans of the real networks at their real sizes, without files and without a device.
#include "models/pipeline/stages.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/device/made_up.h"

namespace kiln {
namespace {

// Tensors of the checkpoint; stacked ones count each.
std::ptrdiff_t tensors_of(const Plan& plan) {
  std::ptrdiff_t count = 0;
  for (const WeightData& source : plan.sources) {
    count += 1 + std::count(source.name.begin(), source.name.end(), '+');
  }
  return count;
}

class StagesOfSd15 : public ::testing::Test {
 protected:
  const Model model_ = synthetic_model("sd15", 0);
  const DeviceProfile device_ = test::made_up_card();
  const StageTarget target_{.element = DType::f16, .device = &device_};
};

TEST_F(StagesOfSd15, TheUnetHasThePublishedTensorsAndParameters) {
  const StageShape shape = stage_shape(model_, 512, 512, 1, true);
  const Plan once = plan_start(model_, target_, shape), row = plan_denoise(model_, target_, shape);
  EXPECT_EQ(tensors_of(once) + tensors_of(row), 686);
  EXPECT_EQ(once.weight_elements() + row.weight_elements(), 859'520'964u);
}

TEST_F(StagesOfSd15, TheArenaOfAGuidedStepIsAboutEightyMebibytes) {
  const Plan plan = plan_denoise(model_, target_, stage_shape(model_, 512, 512, 1, true));
  const double mebibytes = double(plan.arena_bytes) / (1 << 20);
  EXPECT_GE(mebibytes, 72);
  EXPECT_LE(mebibytes, 88);
  EXPECT_LE(plan.arena_bytes, plan.live_peak_bytes + plan.live_peak_bytes / 20);
  // 360 GFLOP at 256 pixels, 1.61 TFLOP at 512 (2 FLOP a multiply-add), within 3 %.
  EXPECT_NEAR(double(plan.flops()), 1.606e12, 0.05e12);
}

TEST_F(StagesOfSd15, KeysAndValuesOfThePromptsAreMadeOnceAPicture) {
  const StageShape shape = stage_shape(model_, 512, 512, 1, true);
  const Plan once = plan_start(model_, target_, shape), row = plan_denoise(model_, target_, shape);
  EXPECT_EQ(tensors_of(once), 32);  // of 16 layers
  const auto reads_context = [](const Plan& plan) {
    return std::any_of(plan.persistents.begin(), plan.persistents.end(),
                       [](const auto& tensor) { return tensor.name == stage_tensor::kContext; });
  };
  EXPECT_TRUE(reads_context(once));
  EXPECT_FALSE(reads_context(row));
}

TEST_F(StagesOfSd15, SelfAttentionIsOneProductAndItsPartsCanBeRead) {
  const StageShape shape = stage_shape(model_, 512, 512, 1, true);
  const std::string layer = "unet.mid_block.attentions.0.transformer_blocks.0.attn1";
  StageTarget watching = target_;
  watching.watch = [&](std::string_view path) { return path == layer + ".to_k"; };
  const Plan plain = plan_denoise(model_, target_, shape);
  const Plan watched = plan_denoise(model_, watching, shape);
  EXPECT_EQ(watched.nodes.size(), plain.nodes.size() + 1);
  const auto tap = std::find_if(watched.persistents.begin(), watched.persistents.end(),
                                [](const auto& each) { return each.name.ends_with(".to_k"); });
  ASSERT_NE(tap, watched.persistents.end());
  EXPECT_EQ(tap->shape, (Shape{2, 8, 8, 1280}));
  const auto products =
      std::count_if(plain.nodes.begin(), plain.nodes.end(), [&](const auto& node) {
        return node.op.starts_with("linear") && node.path.starts_with(layer);
      });
  EXPECT_EQ(products, 2);  // and that of the result
}

TEST_F(StagesOfSd15, SelfAttentionIsThreeProductsOnAVectorCpu) {
  DeviceProfile cpu = test::made_up_card();
  cpu.kind = DeviceKind::cpu;
  const StageTarget target{.element = DType::f16, .device = &cpu};
  const StageShape shape = stage_shape(model_, 512, 512, 1, true);
  const auto attentions = [](const Plan& plan, std::string_view op) {
    return std::count_if(plan.nodes.begin(), plan.nodes.end(),
                         [&](const auto& node) { return node.op.starts_with(op); });
  };
  const Plan apart = plan_denoise(model_, target, shape);
  const Plan stacked = plan_denoise(model_, target_, shape);
  EXPECT_EQ(attentions(apart, "attention"), 32);  // of 16 layers
  EXPECT_EQ(attentions(apart, "self_attention"), 0);
  EXPECT_EQ(attentions(stacked, "attention"), 16);
  EXPECT_EQ(attentions(stacked, "self_attention"), 16);
  EXPECT_EQ(apart.weight_elements(), stacked.weight_elements());
  EXPECT_EQ(apart.flops(), stacked.flops());
  EXPECT_EQ(tensors_of(apart), tensors_of(stacked));
}

TEST_F(StagesOfSd15, SelfAttentionIsThreeProductsWhereOneResultWouldBeTooLargeToBind) {
  DeviceProfile small = test::made_up_card();
  small.max_binding_bytes = 128ull << 20;
  const StageTarget target{.element = DType::f32, .device = &small};
  const auto stacked = [&](std::uint32_t side) {
    const Plan plan = plan_decode(model_, target, stage_shape(model_, side, side, 1, true));
    return std::count_if(plan.nodes.begin(), plan.nodes.end(),
                         [](const auto& node) { return node.op.starts_with("self_attention"); });
  };
  EXPECT_EQ(stacked(1024), 1);
  EXPECT_EQ(stacked(1280), 0);
}

TEST_F(StagesOfSd15, TheOtherNetworksHaveTheirPublishedParameters) {
  const StageShape shape = stage_shape(model_, 512, 512, 1, true);
  const Plan text = plan_text(model_, target_, 2, 0);
  EXPECT_EQ(text.weight_elements(), 123'060'480u);
  const Plan encode = plan_encode(model_, target_, shape, NoiseSource::philox);
  const Plan decode = plan_decode(model_, target_, shape);
  EXPECT_EQ(encode.weight_elements() + decode.weight_elements(), 83'653'863u);
}

TEST_F(StagesOfSd15, NoDispatchIsLongerThanTheDeviceAllows) {
  DeviceProfile slow = test::made_up_card();
  slow.max_dispatch_flops = 200'000'000;
  const StageTarget target{.element = DType::f16, .device = &slow};
  const Plan plan = plan_denoise(model_, target, stage_shape(model_, 256, 256, 1, true));
  std::uint64_t longest = 0;
  for (const Dispatch& dispatch : plan.dispatches) longest = std::max(longest, dispatch.flops);
  EXPECT_GT(longest, slow.max_dispatch_flops / 4);
  // One band of rows is the least there is: 8 x 4 rows of the widest layer.
  EXPECT_LE(longest, 2 * slow.max_dispatch_flops + 32ull * 2 * 23040 * 1280);
}

TEST_F(StagesOfSd15, AStageThatExceedsABindingNamesTheTensor) {
  DeviceProfile small = test::made_up_card();
  small.max_binding_bytes = 4 << 20;
  const StageTarget target{.element = DType::f16, .device = &small};
  try {
    plan_decode(model_, target, stage_shape(model_, 512, 512, 1, true));
    FAIL() << "was planned";
  } catch (const std::exception& error) {
    EXPECT_NE(std::string(error.what()).find("weight vae.decoder.mid_block"), std::string::npos)
        << error.what();
    EXPECT_NE(std::string(error.what()).find("4194304"), std::string::npos) << error.what();
  }
}

TEST_F(StagesOfSd15, TheAutoencoderAt1024NeedsBindingsOf128MebibytesOnly) {
  DeviceProfile small = test::made_up_card();
  small.max_binding_bytes = 128 << 20;
  for (const bool in_bands : {false, true}) {
    const StageTarget target{
        .element = DType::f16, .device = &small, .measures = {.autoencoder_in_bands = in_bands}};
    const StageShape shape = stage_shape(model_, 1024, 1024, 1, true);
    for (const Plan& plan : {plan_decode(model_, target, shape),
                             plan_encode(model_, target, shape, NoiseSource::philox)}) {
      std::uint64_t largest = 0;
      for (const Dispatch& dispatch : plan.dispatches) {
        for (const Range& range : dispatch.ranges) {
          largest = std::max(largest, range.size_bytes);
          EXPECT_EQ(range.offset_bytes % small.binding_alignment, 0u);
        }
      }
      EXPECT_LE(largest, small.max_binding_bytes);
      EXPECT_GT(largest, small.max_binding_bytes / 2);
    }
  }
}

TEST_F(StagesOfSd15, BandsMakeTheArenaOfTheDecoderSmaller) {
  const StageShape shape = stage_shape(model_, 512, 512, 1, true);
  const StageTarget bands{
      .element = DType::f16, .device = &device_, .measures = {.autoencoder_in_bands = true}};
  const Plan whole = plan_decode(model_, target_, shape), cut = plan_decode(model_, bands, shape);
  EXPECT_LT(double(cut.arena_bytes), 0.86 * double(whole.arena_bytes));
}

TEST_F(StagesOfSd15, PlanningTwiceGivesTheSameText) {
  const StageShape shape = stage_shape(model_, 512, 512, 2, true);
  EXPECT_EQ(plan_denoise(model_, target_, shape).to_text(),
            plan_denoise(model_, target_, shape).to_text());
}

}  // namespace
}  // namespace kiln
