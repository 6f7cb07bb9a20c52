// Stable Diffusion 1.5's true shapes with seeded random weights: one guided step and a decode.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "models/pipeline/kiln.h"
#include "models/pipeline/parts.h"

namespace kiln {
namespace {

double rms(const std::vector<float>& values) {
  double sum = 0;
  for (const float value : values) sum += double(value) * value;
  return std::sqrt(sum / double(values.size()));
}

TEST(SyntheticSd15, AGuidedStepAndADecodeAt256AreFiniteAndSane) {
  ModelOptions options;
  options.model = "synthetic:sd15";
  options.precision = Precision::f32;
  Pipeline pipeline(options);
  DenoiseRequest request;
  request.context = pipeline.encode_text({"a beautiful sunset over the ocean"});
  request.negative = pipeline.encode_text({""});
  EXPECT_GT(rms(request.context.values), 0.1);
  EXPECT_LT(rms(request.context.values), 10.0);
  request.width = request.height = 256;
  request.seeds = {1};
  request.sampling.sampler = "ddim";
  request.sampling.steps = 1;
  const Latents latents = pipeline.denoise(request);
  ASSERT_TRUE(std::all_of(latents.values.begin(), latents.values.end(),
                          [](float value) { return std::isfinite(value); }));
  EXPECT_GT(rms(latents.values), 0.1);
  EXPECT_LT(rms(latents.values), 1000.0);

  Latents unit = latents;  // the decoder gets what it expects: unit variance
  const auto scale = float(1 / rms(latents.values));
  for (float& value : unit.values) value *= scale;
  const Image picture = pipeline.decode(unit)[0];
  const auto [least, most] = std::minmax_element(picture.rgb.begin(), picture.rgb.end());
  EXPECT_GT(int(*most) - int(*least), 5) << "the picture is one colour";
  EXPECT_EQ(PipelineAccess::parts(pipeline).device.validation_messages(), 0u);
}

// Sixteen-bit numbers end at 65504; beyond, stores saturate and sums of saturated numbers do harm.
TEST(SyntheticSd15, AGuidedStepInHalfPrecisionStaysFarFromTheEndOfItsRange) {
  ModelOptions options;
  options.model = "synthetic:sd15";
  options.precision = Precision::f16;
  Pipeline pipeline(options);
  DenoiseRequest request;
  request.context = pipeline.encode_text({"a beautiful sunset over the ocean"});
  request.negative = pipeline.encode_text({""});
  request.width = request.height = 64;
  request.seeds = {1};
  request.sampling.sampler = "ddim";
  request.sampling.steps = 1;
  const Latents latents = pipeline.denoise(request);
  double largest = 0;
  for (const float value : latents.values) {
    ASSERT_TRUE(std::isfinite(value));
    largest = std::max(largest, double(std::abs(value)));
  }
  EXPECT_GT(rms(latents.values), 0.1);
  EXPECT_LT(largest, 1000.0);
  EXPECT_EQ(PipelineAccess::parts(pipeline).device.validation_messages(), 0u);
}

}  // namespace
}  // namespace kiln
