// Opens the device at first use; without any, every test of the program is skipped.
#include "tests/device/device_under_test.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/base/error.h"

namespace kiln::test {

OpenDevice& device_under_test() {
  static OpenDevice device(DeviceOptions{
      .selector = {},
      .on_message = [](std::string_view message) { ADD_FAILURE() << "validation: " << message; }});
  return device;
}

namespace {

class NeedsDevice : public testing::Environment {
 public:
  void SetUp() override {
    try {
      list_devices();
    } catch (const Error& error) {
      GTEST_SKIP() << error.what();
    }
  }
};

}  // namespace
}  // namespace kiln::test

int main(int count, char** arguments) {
  testing::InitGoogleMock(&count, arguments);
  testing::AddGlobalTestEnvironment(new kiln::test::NeedsDevice);  // GoogleTest owns it
  return RUN_ALL_TESTS();
}
