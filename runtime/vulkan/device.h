// Device: a logical device with one queue for compute and copies.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/vulkan/api.h"
#include "runtime/vulkan/device_list.h"
#include "runtime/vulkan/instance.h"

namespace kiln {

// Outlives everything made from it. Only the functions of VkDevice that Vulkan calls internally
// synchronized may be used from several threads.
class Device {
 public:
  // info: an entry of list_devices(instance). Enables just the features that info.profile names.
  // Throws Error when the device is refused or cannot be opened.
  Device(const Instance& instance, const PhysicalDeviceInfo& info);
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  VkDevice handle() const { return handle_; }
  VkQueue queue() const { return queue_; }
  const PhysicalDeviceInfo& info() const { return info_; }
  const DeviceProfile& profile() const { return info_.profile; }

  // A name for validation messages and captures; nothing without VK_EXT_debug_utils.
  template <typename Handle>
  void name(VkObjectType type, Handle handle, std::string_view text) const {
    name_object(type, reinterpret_cast<std::uint64_t>(handle), text);
  }
  bool has_labels() const { return begin_label_ != nullptr; }
  void begin_label(VkCommandBuffer commands, const char* text) const;
  void end_label(VkCommandBuffer commands) const;

  // Bytes a heap can still give: its budget less its use (VK_EXT_memory_budget), else its size less
  // what this Device allocated. A software device has the host's memory.
  std::uint64_t available_bytes(std::uint32_t heap) const;
  // Live VkDeviceMemory objects.
  std::uint32_t allocations() const { return allocations_; }

 private:
  friend class Buffer;

  void open();
  void load_debug_functions(const Instance& instance);
  void name_object(VkObjectType type, std::uint64_t handle, std::string_view text) const;

  PhysicalDeviceInfo info_;
  VkPhysicalDevice physical_ = VK_NULL_HANDLE;
  VkDevice handle_ = VK_NULL_HANDLE;
  VkQueue queue_ = VK_NULL_HANDLE;
  bool memory_budget_ = false;
  std::array<std::atomic<std::uint64_t>, VK_MAX_MEMORY_HEAPS> allocated_bytes_ = {};
  std::atomic<std::uint32_t> allocations_ = 0;
  PFN_vkSetDebugUtilsObjectNameEXT set_name_ = nullptr;
  PFN_vkCmdBeginDebugUtilsLabelEXT begin_label_ = nullptr;
  PFN_vkCmdEndDebugUtilsLabelEXT end_label_ = nullptr;
};

}  // namespace kiln
