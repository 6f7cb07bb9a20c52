// One check for every VkResult: the error names the call, the place and what to try.
#pragma once

#include <string>
#include <string_view>

#include "runtime/vulkan/api.h"

namespace kiln {

// The name of a result, e.g. "VK_ERROR_DEVICE_LOST".
std::string result_text(VkResult result);

// The message for a failed call. place: what was being done, e.g. "stage denoise".
std::string failure_text(VkResult result, std::string_view call, std::string_view place);

[[noreturn]] void fail_call(VkResult result, std::string_view call, std::string_view place);

// Throws Error when result is an error; successes that carry news (VK_TIMEOUT, VK_INCOMPLETE)
// pass through.
inline VkResult check(VkResult result, std::string_view call, std::string_view place = "vulkan") {
  if (result < VK_SUCCESS) fail_call(result, call, place);
  return result;
}

}  // namespace kiln
