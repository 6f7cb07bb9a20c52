// The whole way on a device: determinism, batches, stages by hand, cancelling, work a step.
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "models/pipeline/kiln.h"
#include "models/pipeline/parts.h"
#include "runtime/base/error.h"

namespace kiln {
namespace {

const std::string kModel = KILN_SOURCE_DIR "/tests/golden/sd15-tiny";

ModelOptions options() {
  ModelOptions result;
  result.model = kModel;
  result.precision = Precision::f32;
  return result;
}

Request small_request() {
  Request request;
  request.prompt = "a photograph of an astronaut riding a horse";
  request.negative_prompt = "blurry";
  request.width = 64;
  request.height = 128;
  request.seed = 7;
  request.sampling.steps = 3;
  request.sampling.sampler = "euler_ancestral";  // draws noise at every step
  return request;
}

class PipelineTest : public ::testing::Test {
 protected:
  // Validation is on when tools/lab run --validation started the program.
  void TearDown() override {
    EXPECT_EQ(PipelineAccess::parts(pipeline_).device.validation_messages(), 0u);
  }
  Pipeline pipeline_{options()};
};

TEST_F(PipelineTest, OneSeedGivesOnePicture) {
  const Request request = small_request();
  const std::vector<Image> first = pipeline_.generate(request);
  EXPECT_EQ(first, pipeline_.generate(request));
  Pipeline other(options());
  EXPECT_EQ(first, other.generate(request));
  Request next = request;
  next.seed = 8;
  EXPECT_NE(first, pipeline_.generate(next));
}

TEST_F(PipelineTest, ImageIOfABatchIsTheSingleRunWithSeedPlusI) {
  for (const RandomSource random : {RandomSource::philox, RandomSource::cpu}) {
    Request request = small_request();
    request.random = random;
    request.images = 3;
    const std::vector<Image> batch = pipeline_.generate(request);
    ASSERT_EQ(batch.size(), 3u);
    request.images = 1;
    for (const Image& picture : batch) {
      EXPECT_EQ(pipeline_.generate(request)[0], picture) << request.seed;
      ++request.seed;
    }
  }
}

TEST_F(PipelineTest, StagesByHandGiveTheSameBytes) {
  const Request request = small_request();
  DenoiseRequest rows;
  rows.context = pipeline_.encode_text({request.prompt});
  rows.negative = pipeline_.encode_text({request.negative_prompt});
  rows.width = request.width;
  rows.height = request.height;
  rows.seeds = {request.seed};
  rows.sampling = request.sampling;
  const std::vector<Image> by_hand = pipeline_.decode(pipeline_.denoise(rows));
  EXPECT_EQ(by_hand, pipeline_.generate(request));
}

TEST_F(PipelineTest, ImageToImageByHandGivesTheSameBytes) {
  Request request = small_request();
  const Image start = pipeline_.generate(request)[0];
  request.image = &start;
  request.strength = 0.7f;
  DenoiseRequest rows;
  rows.context = pipeline_.encode_text({request.prompt});
  rows.negative = pipeline_.encode_text({request.negative_prompt});
  rows.width = request.width;
  rows.height = request.height;
  rows.seeds = {request.seed};
  rows.sampling = request.sampling;
  rows.start = pipeline_.encode_image(start, rows.seeds);
  rows.strength = request.strength;
  EXPECT_EQ(pipeline_.decode(pipeline_.denoise(rows)), pipeline_.generate(request));
}

TEST_F(PipelineTest, AStepDoesNothingButSubmit) {
  std::vector<Activity> at_row;
  Request request = small_request();
  request.sampling.steps = 6;
  request.progress = [&](const Progress& progress) {
    if (progress.phase == "denoise") at_row.push_back(pipeline_.activity());
    return true;
  };
  pipeline_.generate(request);
  ASSERT_EQ(at_row.size(), 7u);  // before each row but the first, and after the last
  const Activity &first = at_row.front(), &last = at_row[5];
  EXPECT_EQ(last.submissions - first.submissions, 5u) << "one submission a row";
  EXPECT_EQ(last.host_writes, first.host_writes);
  EXPECT_EQ(last.host_reads, first.host_reads);
}

TEST_F(PipelineTest, ASecondCallRecordsNothing) {
  const Request request = small_request();
  pipeline_.generate(request);
  const auto& counters = PipelineAccess::parts(pipeline_).executor.counters();
  const std::uint64_t recordings = counters.recordings, uploads = counters.weights_uploaded;
  pipeline_.generate(request);
  EXPECT_EQ(counters.recordings, recordings);
  EXPECT_EQ(counters.weights_uploaded, uploads);
}

TEST_F(PipelineTest, CancellingStopsBetweenRows) {
  Request request = small_request();
  request.sampling.steps = 10;
  std::uint32_t rows = 0;
  request.progress = [&](const Progress& progress) {
    if (progress.phase == "denoise") rows = progress.done;
    return rows < 2;
  };
  try {
    pipeline_.generate(request);
    FAIL() << "was not cancelled";
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::cancelled);
  }
  EXPECT_EQ(rows, 2u);
  request.progress = {};
  EXPECT_EQ(pipeline_.generate(request).size(), 1u) << "it works again afterwards";
}

TEST_F(PipelineTest, StrengthZeroIsARoundTripThroughTheAutoencoder) {
  Request request = small_request();
  const Image start = pipeline_.generate(request)[0];
  request.image = &start;
  request.strength = 0;
  bool denoised = false;
  request.progress = [&](const Progress& progress) {
    denoised = denoised || (progress.phase == "denoise" && progress.total > 0);
    return true;
  };
  const Image picture = pipeline_.generate(request)[0];
  EXPECT_FALSE(denoised);
  const Latents latents = pipeline_.encode_image(start, {request.seed});
  EXPECT_EQ(pipeline_.decode(latents)[0], picture);
}

TEST_F(PipelineTest, SizesAndSettingsMayChangeFromCallToCall) {
  Request request = small_request();
  const std::vector<Image> first = pipeline_.generate(request);
  Request other = request;
  other.width = 96;
  other.height = 64;
  other.images = 2;
  other.sampling.guidance = 1;
  EXPECT_EQ(pipeline_.generate(other)[1].width, 96u);
  other.sampling.guidance = 5;
  other.sampling.guidance_rescale = 0.7f;
  other.clip_skip = 2;
  EXPECT_EQ(pipeline_.generate(other).size(), 2u);
  EXPECT_EQ(pipeline_.generate(request), first);
}

TEST_F(PipelineTest, ALongPromptIsCutWithAWarning) {
  std::vector<std::string> warnings;
  ModelOptions warned = options();
  warned.warn = [&](std::string_view line) { warnings.emplace_back(line); };
  Pipeline pipeline(warned);
  std::string prompt = "beginning";
  for (int i = 0; i < 100; ++i) prompt += " castle";
  prompt += " conclusion";
  pipeline.encode_text({prompt});
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings[0].find("castle"), std::string::npos);
  EXPECT_EQ(warnings[0].find("beginning"), std::string::npos);
}

TEST_F(PipelineTest, HalfPrecisionIsCloseAndFinite) {
  if (!PipelineAccess::parts(pipeline_).device.profile().serves(kNeedStorage16)) {
    GTEST_SKIP() << "the device has no 16-bit storage";
  }
  ModelOptions half = options();
  half.precision = Precision::f16;
  Pipeline pipeline(half);
  Request request = small_request();
  request.sampling.sampler = "ddim";
  const Image exact = pipeline_.generate(request)[0], rounded = pipeline.generate(request)[0];
  double difference = 0;
  for (std::size_t i = 0; i < exact.rgb.size(); ++i) {
    difference += std::abs(int(exact.rgb[i]) - int(rounded.rgb[i]));
  }
  EXPECT_LT(difference / double(exact.rgb.size()), 2.0) << "levels of 255, on average";
}

}  // namespace
}  // namespace kiln
