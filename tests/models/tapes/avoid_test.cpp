// Kernels to avoid: by wish, and remembered for a driver.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "models/pipeline/avoid_list.h"
#include "models/pipeline/kiln.h"
#include "runtime/base/error.h"
#include "tests/device/device_under_test.h"
#include "tests/models/tapes/cache_folder.h"

namespace kiln::test {
namespace {

namespace fs = std::filesystem;

class AvoidList : public CacheFolder {
 protected:
  std::vector<std::string> read(const DeviceProfile& of) { return read_avoid_list(of, warn()); }

  void overwrite(const DeviceProfile& of, const std::string& text) const {
    write_avoid_list(of, {"norm/group_norm"});
    std::ofstream(avoid_list_file(of)) << text;
  }
};

TEST_F(AvoidList, IsReadAsItWasWritten) {
  const std::vector<std::string> kernels = {"norm/group_norm", "matmul/matmul"};
  write_avoid_list(device(), kernels);
  EXPECT_EQ(read(device()), kernels);
  EXPECT_TRUE(warnings_.empty());
  write_avoid_list(device(), {});
  EXPECT_FALSE(fs::exists(avoid_list_file(device())));
  EXPECT_TRUE(read(device()).empty());
}

TEST_F(AvoidList, HoldsForOneDriverVersionOnly) {
  write_avoid_list(device(), {"norm/group_norm"});
  const DeviceProfile newer = with_newer_driver();
  EXPECT_TRUE(read(newer).empty());
  // Even under the right name a file of another driver does not count.
  fs::copy_file(avoid_list_file(device()), avoid_list_file(newer));
  EXPECT_TRUE(read(newer).empty());
  ASSERT_EQ(warnings_.size(), 1u);
  EXPECT_THAT(warnings_[0], testing::HasSubstr("another device or driver"));
}

TEST_F(AvoidList, IsIgnoredWithOneLineWhenDamaged) {
  const std::string whole = [&] {
    write_avoid_list(device(), {"norm/group_norm"});
    return contents(avoid_list_file(device()));
  }();
  const std::string unknown =
      std::string(whole).replace(whole.find("group_norm"), 10, "no_kernel!");
  const std::string texts[] = {"",
                               "{",
                               "[]",
                               "{}",
                               "{\"format\": \"x\"}",
                               whole.substr(0, 40),
                               unknown,
                               std::string(100'000, ' ') + whole,
                               std::string(200, '[')};
  for (const std::string& text : texts) {
    SCOPED_TRACE(text.substr(0, 60));
    overwrite(device(), text);
    warnings_.clear();
    EXPECT_TRUE(read(device()).empty());
    ASSERT_EQ(warnings_.size(), 1u);
    EXPECT_THAT(warnings_[0], testing::HasSubstr("is ignored"));
    EXPECT_THAT(warnings_[0], testing::Not(testing::HasSubstr("\n")));
  }
}

TEST(KernelNames, AreCompletedAndUnknownOnesRefused) {
  EXPECT_EQ(full_kernel_names({"group_norm", "norm/group_norm", "matmul"}),
            (std::vector<std::string>{"norm/group_norm", "matmul/matmul"}));
  try {
    full_kernel_names({"group_nrm"});
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::usage);
    EXPECT_THAT(error.what(), testing::HasSubstr("did you mean 'group_norm'"));
  }
}

ModelOptions tiny() {
  ModelOptions options;
  options.model = KILN_SOURCE_DIR "/tests/golden/sd15-tiny";
  options.precision = Precision::f32;
  return options;
}

std::vector<std::uint8_t> picture(const ModelOptions& options) {
  Request request;
  request.prompt = "a lighthouse";
  request.width = request.height = 64;
  request.sampling.steps = 2;
  return Pipeline(options).generate(request)[0].rgb;
}

TEST_F(AvoidList, IsObeyedByAPipelineThatAsksForIt) {
  const std::vector<std::uint8_t> plain = picture(tiny());
  write_avoid_list(device_under_test().profile(), {"norm/group_norm"});
  ModelOptions options = tiny();
  options.warn = warn();
  EXPECT_EQ(picture(options), plain);
  EXPECT_TRUE(warnings_.empty());
  options.uses_avoid_list = true;
  const std::vector<std::uint8_t> other = picture(options);
  ASSERT_EQ(warnings_.size(), 1u);
  EXPECT_THAT(warnings_[0], testing::HasSubstr("norm/group_norm"));
  ASSERT_EQ(other.size(), plain.size());
  for (std::size_t i = 0; i < plain.size(); ++i) EXPECT_NEAR(other[i], plain[i], 1) << i;
}

TEST(Pipeline, NamesAnOperationWhoseKernelsAreAllAvoided) {
  ModelOptions options = tiny();
  options.avoid = {"attention", "attention_broadcast", "attention_tiled"};
  try {
    picture(options);
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::AllOf(testing::HasSubstr("no attention kernel"),
                                             testing::HasSubstr("avoid")));
  }
}

}  // namespace
}  // namespace kiln::test
