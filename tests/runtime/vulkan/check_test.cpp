// What failed calls tell the user.
#include "runtime/vulkan/check.h"

#include <gmock/gmock.h>

#include "runtime/base/error.h"

namespace kiln {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(Check, ALostDeviceNamesTheStageTheCallAndWhatToTry) {
  const std::string text = failure_text(VK_ERROR_DEVICE_LOST, "vkQueueSubmit", "stage denoise");
  EXPECT_THAT(text, StartsWith("[stage denoise] the device was lost in vkQueueSubmit"));
  EXPECT_THAT(text, HasSubstr("try a smaller picture"));
}

TEST(Check, ErrorsThrowWithTheirNameAndSuccessesWithNewsPassThrough) {
  EXPECT_EQ(check(VK_TIMEOUT, "vkWaitSemaphores"), VK_TIMEOUT);
  EXPECT_EQ(check(VK_SUCCESS, "vkWaitSemaphores"), VK_SUCCESS);
  try {
    check(VK_ERROR_INITIALIZATION_FAILED, "vkCreateDevice", "some GPU");
    FAIL() << "did not throw";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "[some GPU] vkCreateDevice returned VK_ERROR_INITIALIZATION_FAILED");
    EXPECT_EQ(error.fault(), Fault::failed);
  }
}

TEST(Check, ResultsUnknownToTheTableKeepTheirNumber) {
  EXPECT_EQ(result_text(VkResult(-4711)), "VkResult -4711");
}

}  // namespace
}  // namespace kiln
