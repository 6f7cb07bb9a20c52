// Instance: the connection to the Vulkan loader, with validation layers on request.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "runtime/vulkan/api.h"

namespace kiln {

struct InstanceOptions {
  // Loads VK_LAYER_KHRONOS_validation with synchronization validation. The environment variable
  // KILN_VALIDATION=1 does the same.
  bool validation = false;
  // Receives every warning and error of the validation layer; empty: standard error.
  std::function<void(std::string_view)> on_message;
};

// Lives as long as anything made from it; neither copied nor moved.
class Instance {
 public:
  // Throws Error that says what to install when there is no loader of Vulkan 1.2, no driver or,
  // where asked for, no validation layer.
  explicit Instance(InstanceOptions options = {});
  ~Instance();
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  // True if the validation layer is installed.
  static bool has_validation_layer();

  VkInstance handle() const { return handle_; }
  bool validation() const { return options_.validation; }
  bool debug_utils() const { return debug_utils_; }
  // Warnings and errors of the validation layer so far.
  std::uint32_t validation_messages() const { return messages_; }
  // In the loader's order; at least one.
  const std::vector<VkPhysicalDevice>& physical_devices() const { return physical_devices_; }

  // An extension's function, or null.
  template <typename Function>
  Function function(const char* name) const {
    return reinterpret_cast<Function>(vkGetInstanceProcAddr(handle_, name));
  }

 private:
  void create();
  void find_devices();
  void destroy();
  static VkBool32 VKAPI_PTR receive(VkDebugUtilsMessageSeverityFlagBitsEXT severity,
                                    VkDebugUtilsMessageTypeFlagsEXT types,
                                    const VkDebugUtilsMessengerCallbackDataEXT* data, void* self);

  InstanceOptions options_;
  bool debug_utils_ = false;
  std::atomic<std::uint32_t> messages_ = 0;
  VkInstance handle_ = VK_NULL_HANDLE;
  VkDebugUtilsMessengerEXT messenger_ = VK_NULL_HANDLE;
  std::vector<VkPhysicalDevice> physical_devices_;
};

}  // namespace kiln
