// Pipelines kept between runs: read as written, and never trusted.
#include "models/pipeline/pipeline_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <fstream>

#include "models/pipeline/kiln.h"
#include "tests/device/device_under_test.h"
#include "tests/models/tapes/cache_folder.h"

namespace kiln::test {
namespace {

namespace fs = std::filesystem;

class PipelineCacheFile : public CacheFolder {
 protected:
  // As Vulkan defines a driver's first bytes, and some of its own.
  static std::vector<std::byte> pipelines(const DeviceProfile& of) {
    std::vector<std::byte> bytes(1000, std::byte{42});
    const std::uint32_t words[] = {32, 1, of.vendor_id, of.device_id};
    std::memcpy(bytes.data(), words, sizeof(words));
    return bytes;
  }

  std::vector<std::byte> read(const DeviceProfile& of) {
    warnings_.clear();
    return read_pipeline_cache(of, warn());
  }

  void expect_ignored(const DeviceProfile& of, const std::string& text) {
    std::ofstream(pipeline_cache_file(of), std::ios::binary) << text;
    EXPECT_TRUE(read(of).empty());
    ASSERT_EQ(warnings_.size(), 1u);
    EXPECT_THAT(warnings_[0], testing::AllOf(testing::HasSubstr("are ignored"),
                                             testing::Not(testing::HasSubstr("\n")),
                                             testing::Not(testing::HasSubstr("[]"))));
  }
};

TEST_F(PipelineCacheFile, IsReadAsItWasWritten) {
  EXPECT_TRUE(read(device()).empty());
  write_pipeline_cache(device(), pipelines(device()));
  EXPECT_EQ(read(device()), pipelines(device()));
  EXPECT_TRUE(warnings_.empty());
}

TEST_F(PipelineCacheFile, HoldsForOneDriverVersionOnly) {
  write_pipeline_cache(device(), pipelines(device()));
  const DeviceProfile newer = with_newer_driver();
  EXPECT_TRUE(read(newer).empty());
  EXPECT_TRUE(warnings_.empty());
  // Even under the right name a file of another driver does not count.
  expect_ignored(newer, contents(pipeline_cache_file(device())));
  // Nor does one whose inside is of another device.
  DeviceProfile other = device();
  other.device_id = 8;
  write_pipeline_cache(device(), pipelines(other));
  EXPECT_TRUE(read(device()).empty());
  EXPECT_EQ(warnings_.size(), 1u);
}

TEST_F(PipelineCacheFile, IsIgnoredWithOneLineWhenDamaged) {
  write_pipeline_cache(device(), pipelines(device()));
  const std::string whole = contents(pipeline_cache_file(device()));
  for (const std::size_t size : {std::size_t{0}, std::size_t{7}, std::size_t{31}, std::size_t{32},
                                 std::size_t{64}, whole.size() - 1}) {
    expect_ignored(device(), whole.substr(0, size));
  }
  expect_ignored(device(), whole + "x");
  for (std::size_t at = 0; at < whole.size(); at += 5) {
    std::string damaged = whole;
    damaged[at] = char(damaged[at] ^ 1);
    expect_ignored(device(), damaged);
  }
}

TEST_F(PipelineCacheFile, LeavesTheNewestFilesOfOtherBuilds) {
  write_pipeline_cache(device(), pipelines(device()));
  const fs::path mine = pipeline_cache_file(device()), folder = mine.parent_path();
  const auto other = [&](int age) {
    return folder / ("pipelines-" + std::to_string(age) + ".bin");
  };
  const auto now = fs::file_time_type::clock::now();
  for (int age = 1; age <= 10; ++age) {
    std::ofstream(other(age)) << "another build's";
    fs::last_write_time(other(age), now - std::chrono::hours(age));
  }
  std::ofstream(folder / "tuning-1.json") << "{}";
  write_pipeline_cache(device(), pipelines(device()));
  EXPECT_EQ(read(device()), pipelines(device()));
  for (int age = 1; age <= 10; ++age) EXPECT_EQ(fs::exists(other(age)), age <= 7) << age;
  EXPECT_TRUE(fs::exists(folder / "tuning-1.json"));
}

std::vector<std::uint8_t> picture(const std::function<void(std::string_view)>& warn, bool keeps) {
  ModelOptions options;
  options.model = KILN_SOURCE_DIR "/tests/golden/sd15-tiny";
  options.precision = Precision::f32;
  options.keeps_pipelines = keeps;
  options.warn = warn;
  Request request;
  request.prompt = "a lighthouse";
  request.width = request.height = 64;
  request.sampling.steps = 2;
  return Pipeline(options).generate(request)[0].rgb;
}

TEST_F(PipelineCacheFile, NeverChangesAPicture) {
  const fs::path file = pipeline_cache_file(device_under_test().profile());
  const std::vector<std::uint8_t> plain = picture(warn(), false);
  EXPECT_FALSE(fs::exists(file));
  EXPECT_EQ(picture(warn(), true), plain);
  ASSERT_TRUE(fs::exists(file));
  EXPECT_EQ(picture(warn(), true), plain);
  EXPECT_TRUE(warnings_.empty());
  fs::resize_file(file, fs::file_size(file) / 2);
  EXPECT_EQ(picture(warn(), true), plain);
  EXPECT_EQ(warnings_.size(), 1u);
  warnings_.clear();
  EXPECT_EQ(picture(warn(), true), plain);  // it was made anew
  EXPECT_TRUE(warnings_.empty());
}

}  // namespace
}  // namespace kiln::test
