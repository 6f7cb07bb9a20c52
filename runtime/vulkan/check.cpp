// Messages for failed Vulkan calls.
#include "runtime/vulkan/check.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "runtime/base/error.h"

namespace kiln {
namespace {

constexpr std::array<std::pair<VkResult, std::string_view>, 16> kNames = {{
    {VK_SUCCESS, "VK_SUCCESS"},
    {VK_NOT_READY, "VK_NOT_READY"},
    {VK_TIMEOUT, "VK_TIMEOUT"},
    {VK_INCOMPLETE, "VK_INCOMPLETE"},
    {VK_ERROR_OUT_OF_HOST_MEMORY, "VK_ERROR_OUT_OF_HOST_MEMORY"},
    {VK_ERROR_OUT_OF_DEVICE_MEMORY, "VK_ERROR_OUT_OF_DEVICE_MEMORY"},
    {VK_ERROR_INITIALIZATION_FAILED, "VK_ERROR_INITIALIZATION_FAILED"},
    {VK_ERROR_DEVICE_LOST, "VK_ERROR_DEVICE_LOST"},
    {VK_ERROR_MEMORY_MAP_FAILED, "VK_ERROR_MEMORY_MAP_FAILED"},
    {VK_ERROR_LAYER_NOT_PRESENT, "VK_ERROR_LAYER_NOT_PRESENT"},
    {VK_ERROR_EXTENSION_NOT_PRESENT, "VK_ERROR_EXTENSION_NOT_PRESENT"},
    {VK_ERROR_FEATURE_NOT_PRESENT, "VK_ERROR_FEATURE_NOT_PRESENT"},
    {VK_ERROR_INCOMPATIBLE_DRIVER, "VK_ERROR_INCOMPATIBLE_DRIVER"},
    {VK_ERROR_TOO_MANY_OBJECTS, "VK_ERROR_TOO_MANY_OBJECTS"},
    {VK_ERROR_OUT_OF_POOL_MEMORY, "VK_ERROR_OUT_OF_POOL_MEMORY"},
    {VK_ERROR_INVALID_SHADER_NV, "VK_ERROR_INVALID_SHADER_NV"},
}};

}  // namespace

std::string result_text(VkResult result) {
  for (const auto& [value, name] : kNames) {
    if (value == result) return std::string(name);
  }
  return fmt::format("VkResult {}", int(result));
}

std::string failure_text(VkResult result, std::string_view call, std::string_view place) {
  if (result == VK_ERROR_DEVICE_LOST) {
    return fmt::format(
        "[{}] the device was lost in {}: its driver reset it, most often because one piece of work "
        "ran too long or memory ran out; try a smaller picture, --precision f32, a newer driver, "
        "or another device",
        place, call);
  }
  if (result == VK_ERROR_OUT_OF_HOST_MEMORY) {
    return fmt::format("[{}] {} found no more host memory", place, call);
  }
  if (result == VK_ERROR_OUT_OF_DEVICE_MEMORY) {
    return fmt::format("[{}] {} found no more device memory", place, call);
  }
  return fmt::format("[{}] {} returned {}", place, call, result_text(result));
}

void fail_call(VkResult result, std::string_view call, std::string_view place) {
  throw Error(failure_text(result, call, place));
}

}  // namespace kiln
