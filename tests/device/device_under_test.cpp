// Opens the device at first use; without any, every test of the program is skipped.
#include "tests/device/device_under_test.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "runtime/base/error.h"

namespace kiln::test {
namespace {

// Closed by the environment below: at the process's end validation layers may be gone already.
std::unique_ptr<OpenDevice>& opened_device() {
  static std::unique_ptr<OpenDevice> device;
  return device;
}

class NeedsDevice : public testing::Environment {
 public:
  void SetUp() override {
    try {
      list_devices();
    } catch (const Error& error) {
      GTEST_SKIP() << error.what();
    }
  }
  void TearDown() override { opened_device().reset(); }
};

}  // namespace

OpenDevice& device_under_test() {
  auto& device = opened_device();
  if (device == nullptr) {
    device = std::make_unique<OpenDevice>(
        DeviceOptions{.selector = {}, .on_message = [](std::string_view message) {
                        ADD_FAILURE() << "validation: " << message;
                      }});
  }
  return *device;
}

}  // namespace kiln::test

int main(int count, char** arguments) {
  testing::InitGoogleMock(&count, arguments);
  testing::AddGlobalTestEnvironment(new kiln::test::NeedsDevice);  // GoogleTest owns it
  return RUN_ALL_TESTS();
}
