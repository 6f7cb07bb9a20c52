// What kiln tune keeps: read as written, ignored when foreign or damaged, obeyed by a pipeline.
#include "models/pipeline/tuning_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <set>

#include "models/pipeline/kiln.h"
#include "runtime/execution/profile.h"
#include "tests/device/device_under_test.h"
#include "tests/models/tapes/cache_folder.h"

namespace kiln::test {
namespace {

namespace fs = std::filesystem;

class TuningFile : public CacheFolder {
 protected:
  static TunedKernels choices() {
    return {{"conv 2x64x64x320->320 s2 right_bottom F16", {"matmul/matmul_tiled", "8x16x2/3"}},
            {"matmul 2x1280x320 F32", {"matmul/matmul", ""}}};
  }

  TunedKernels read(const DeviceProfile& of) { return read_tuning(of, warn()); }

  std::string written() const {
    write_tuning(device(), choices());
    return contents(tuning_file(device()));
  }

  static std::string with(std::string text, std::string_view part, std::string_view other) {
    return text.replace(text.find(part), part.size(), other);
  }
};

TEST_F(TuningFile, IsReadAsItWasWritten) {
  write_tuning(device(), choices());
  EXPECT_EQ(read(device()), choices());
  write_tuning(device(), {});
  EXPECT_FALSE(fs::exists(tuning_file(device())));
  EXPECT_TRUE(read(device()).empty());
  EXPECT_TRUE(warnings_.empty());
}

TEST_F(TuningFile, HoldsForOneDriverVersionOnly) {
  write_tuning(device(), choices());
  const DeviceProfile newer = with_newer_driver();
  EXPECT_TRUE(read(newer).empty());
  EXPECT_TRUE(warnings_.empty());
  // Even under the right name a file of another driver does not count.
  fs::copy_file(tuning_file(device()), tuning_file(newer));
  EXPECT_TRUE(read(newer).empty());
  ASSERT_EQ(warnings_.size(), 1u);
  EXPECT_THAT(warnings_[0], testing::HasSubstr("another device or driver"));
}

TEST_F(TuningFile, IsIgnoredWithOneLineWhenDamaged) {
  const std::string whole = written();
  const std::string texts[] = {"",
                               "{",
                               "[]",
                               "{}",
                               whole.substr(0, whole.size() / 2),
                               whole.substr(0, whole.size() - 4),
                               with(whole, "\"format\": 1", "\"format\": 2"),
                               with(whole, "\"choices\": {", "\"choice\": {"),
                               with(whole, "matmul/matmul_tiled", "matmul/no_such"),
                               with(whole, "8x16x2/3", "8x16\\n2"),
                               with(whole, "\"8x16x2/3\"", "7"),
                               with(whole, "\"8x16x2/3\"", "[\"8x16x2/3\"]"),
                               with(whole, "\"8x16x2/3\"", '"' + std::string(1000, '8') + '"'),
                               with(whole, "2x1280x320", "2x1280\\u0007x320"),
                               with(whole, "2x1280x320", std::string(1000, '1')),
                               std::string(2'000'000, ' ') + whole,
                               std::string(200, '[')};
  for (const std::string& text : texts) {
    SCOPED_TRACE(text.substr(0, 60));
    std::ofstream(tuning_file(device())) << text;
    warnings_.clear();
    EXPECT_TRUE(read(device()).empty());
    ASSERT_EQ(warnings_.size(), 1u);
    EXPECT_THAT(warnings_[0], testing::HasSubstr("is ignored"));
    EXPECT_THAT(warnings_[0], testing::Not(testing::HasSubstr("\n")));
  }
}

struct Painted {
  std::vector<std::uint8_t> rgb;
  std::set<std::string> kernels;
};

Painted paint(bool tuned) {
  ModelOptions options;
  options.model = KILN_SOURCE_DIR "/tests/golden/sd15-tiny";
  options.precision = Precision::f32;
  options.uses_tuning = tuned;
  options.profile = std::make_shared<Profile>(Timing::submissions);
  Request request;
  request.prompt = "a lighthouse";
  request.width = request.height = 64;
  request.sampling.steps = 2;
  Painted painted{Pipeline(options).generate(request)[0].rgb, {}};
  for (const ProfiledStage& stage : options.profile->stages()) {
    for (const ProfiledDispatch& dispatch : stage.dispatches) {
      painted.kernels.insert(dispatch.kernel);
    }
  }
  return painted;
}

TEST_F(TuningFile, IsObeyedByAPipelineThatAsksForIt) {
  constexpr const char* kKernel = "attention/attention_tiled";
  const DeviceProfile& profile = device_under_test().profile();
  if (profile.kind != DeviceKind::cpu) GTEST_SKIP() << "its usual kernel is the one tuned here";
  TunedKernels all;  // the attentions of the UNet at 8x8 latents
  for (const char* sizes : {"2x2x64x64x8", "2x2x64x77x8", "2x2x16x16x8", "2x2x16x77x8"}) {
    all[std::string("attention ") + sizes + " F32"] = {kKernel, {}};
  }
  write_tuning(profile, all);
  const Painted plain = paint(false), tuned = paint(true);
  EXPECT_FALSE(plain.kernels.contains(kKernel));
  EXPECT_TRUE(tuned.kernels.contains(kKernel));
  ASSERT_EQ(tuned.rgb.size(), plain.rgb.size());
  for (std::size_t i = 0; i < plain.rgb.size(); ++i) {
    EXPECT_NEAR(tuned.rgb[i], plain.rgb[i], 1) << i;
  }
}

}  // namespace
}  // namespace kiln::test
