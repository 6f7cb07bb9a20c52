// What is kept for a driver lies in a cache folder of the test's own: nothing is left in the
// user's.
#pragma once

#include <gtest/gtest.h>

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/graph/device_profile.h"

namespace kiln::test {

class CacheFolder : public testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        std::filesystem::path(testing::TempDir()) / ("kiln-cache-" + std::to_string(getpid()));
    std::filesystem::create_directories(folder_);
    setenv("XDG_CACHE_HOME", folder_.c_str(), 1);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  static DeviceProfile device() {
    DeviceProfile made_up;
    made_up.name = "Card";
    made_up.vendor_id = 0x1002;
    made_up.device_id = 7;
    made_up.driver = "driver 1.2";
    made_up.driver_version = 12;
    return made_up;
  }
  static DeviceProfile with_newer_driver() {
    DeviceProfile newer = device();
    newer.driver = "driver 1.3";
    return newer;
  }

  static std::string contents(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  std::function<void(std::string_view)> warn() {
    return [this](std::string_view line) { warnings_.emplace_back(line); };
  }

  std::vector<std::string> warnings_;

 private:
  std::filesystem::path folder_;
};

}  // namespace kiln::test
