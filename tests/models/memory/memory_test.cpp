// --max-memory on a device: what is planned is what is measured, and pictures stay the same.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "models/pipeline/kiln.h"
#include "models/pipeline/parts.h"
#include "runtime/base/error.h"

namespace kiln {
namespace {

using ::testing::HasSubstr;

constexpr std::uint64_t kNoLimit = 0;

ModelOptions options(std::uint64_t limit) {
  ModelOptions result;
  result.model = KILN_SOURCE_DIR "/tests/golden/sd15-tiny";
  result.precision = Precision::f32;
  result.max_memory_bytes = limit;
  return result;
}

Request request(std::uint32_t side) {
  Request result;
  result.prompt = "a photograph of an astronaut riding a horse";
  result.negative_prompt = "blurry";
  result.width = result.height = side;
  result.seed = 7;
  result.sampling.steps = 2;
  result.sampling.sampler = "euler_ancestral";
  return result;
}

struct Painted {
  std::vector<Image> pictures;
  MemoryFigures memory;
  std::string told;
};

Painted paint(std::uint64_t limit, const Request& wanted) {
  Painted result;
  ModelOptions with = options(limit);
  with.tell = [&](std::string_view line) { result.told = line; };
  Pipeline pipeline(with);
  result.pictures = pipeline.generate(wanted);
  result.memory = pipeline.memory();
  EXPECT_EQ(PipelineAccess::parts(pipeline).device.validation_messages(), 0u);
  return result;
}

int largest_difference(const Image& a, const Image& b) {
  int most = a.rgb.size() == b.rgb.size() ? 0 : 256;
  for (std::size_t i = 0; i < std::min(a.rgb.size(), b.rgb.size()); ++i) {
    most = std::max(most, std::abs(int(a.rgb[i]) - int(b.rgb[i])));
  }
  return most;
}

// Planned bytes within 2 % of those measured.
void expect_foretold(const MemoryFigures& memory) {
  EXPECT_GT(memory.peak_bytes, 0u);
  EXPECT_NEAR(double(memory.planned_bytes), double(memory.peak_bytes),
              0.02 * double(memory.peak_bytes));
}

std::string refusal(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::failed);
    return error.what();
  }
  return "was not refused";
}

TEST(MaxMemory, PeaksAreAsPlannedWithoutALimit) {
  for (const std::uint32_t side : {64u, 96u}) {
    const Painted free = paint(kNoLimit, request(side));
    expect_foretold(free.memory);
    EXPECT_TRUE(free.memory.measures.empty());
    EXPECT_EQ(free.told, "");
  }
}

// Limits that shrink until nothing helps.
TEST(MaxMemory, EveryLimitGivesTheSamePictureOrARefusalWithTheNumbers) {
  const Request wanted = request(96);
  const Painted free = paint(kNoLimit, wanted);
  std::vector<std::string> taken;
  std::uint64_t limit = free.memory.planned_bytes;
  std::string refused;
  while (refused.empty() && limit > free.memory.planned_bytes / 8) {
    SCOPED_TRACE(limit);
    try {
      const Painted limited = paint(limit, wanted);
      EXPECT_LE(limited.memory.peak_bytes, limit);
      expect_foretold(limited.memory);
      EXPECT_THAT(limited.told, HasSubstr("memory: "));
      EXPECT_LE(largest_difference(limited.pictures[0], free.pictures[0]), 1);
      taken.insert(taken.end(), limited.memory.measures.begin(), limited.memory.measures.end());
    } catch (const Error& error) {
      refused = error.what();
    }
    limit -= free.memory.planned_bytes / 8;
  }
  EXPECT_THAT(refused, HasSubstr("at least"));
  EXPECT_THAT(refused, HasSubstr("the limit is"));
  EXPECT_THAT(taken, testing::Contains(HasSubstr("text encoder")));
  EXPECT_THAT(taken, testing::Contains(HasSubstr("denoiser")));
}

TEST(MaxMemory, TheLeastARefusalNamesIsEnough) {
  const Request wanted = request(64);
  const std::string refused = refusal([&] { paint(1, wanted); });
  ASSERT_THAT(refused, HasSubstr("at least "));
  const std::uint64_t least =
      parse_memory("least", refused.substr(refused.find("at least ") + 9, 6));
  const Painted painted = paint(least + 100'000, wanted);
  EXPECT_LE(painted.memory.peak_bytes, least + 100'000);
  EXPECT_THAT(refusal([&] { paint(least - 100'000, wanted); }), HasSubstr("the limit is"));
}

TEST(MaxMemory, HoldsWhenSizesChangeAndForTheStagesAlone) {
  const Request small = request(64), large = request(96);
  const Painted free_small = paint(kNoLimit, small), free_large = paint(kNoLimit, large);
  const std::uint64_t limit = free_large.memory.planned_bytes / 4 * 3;
  Pipeline pipeline(options(limit));
  for (const Request* wanted : {&small, &large, &small}) {
    const Painted& free = wanted == &small ? free_small : free_large;
    EXPECT_LE(largest_difference(pipeline.generate(*wanted)[0], free.pictures[0]), 1);
  }
  const Latents latents = pipeline.encode_image(free_large.pictures[0]);
  EXPECT_EQ(pipeline.decode(latents).size(), 1u);
  EXPECT_EQ(pipeline.encode_text({"a"}).images, 1u);
  Request from = large;
  from.image = free_large.pictures.data();
  from.random = RandomSource::cpu;
  EXPECT_EQ(pipeline.generate(from)[0], Pipeline(options(kNoLimit)).generate(from)[0]);
  EXPECT_LE(pipeline.memory().peak_bytes, limit);
  EXPECT_EQ(PipelineAccess::parts(pipeline).device.validation_messages(), 0u);
}

TEST(MaxMemory, ASecondPictureOfTheSameSizeUploadsAndRecordsNothing) {
  const Request wanted = request(64);
  Pipeline pipeline(options(paint(kNoLimit, wanted).memory.planned_bytes / 2));
  const auto first = pipeline.generate(wanted);
  EXPECT_FALSE(pipeline.memory().measures.empty());
  const auto& counters = PipelineAccess::parts(pipeline).executor.counters();
  const std::uint64_t recordings = counters.recordings, uploads = counters.weights_uploaded;
  EXPECT_EQ(pipeline.generate(wanted), first);
  EXPECT_EQ(counters.recordings, recordings);
  EXPECT_EQ(counters.weights_uploaded, uploads);
}

}  // namespace
}  // namespace kiln
