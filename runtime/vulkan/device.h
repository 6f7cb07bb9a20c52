// Device: a logical device with one queue for compute and copies.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/vulkan/api.h"
#include "runtime/vulkan/device_list.h"
#include "runtime/vulkan/instance.h"

namespace kiln {

// One allocation or release of device memory.
struct MemoryChange {
  std::uint32_t heap = 0;
  std::int64_t change_bytes = 0;
  std::uint64_t heap_bytes = 0;  // what this Device holds of the heap afterwards
  std::string name;              // of the buffer
};

// Bytes this Device holds now and held at most. Host: MemoryKinds that prefer the host's memory.
struct MemoryUse {
  std::uint64_t device_bytes = 0, device_peak_bytes = 0;
  std::uint64_t host_bytes = 0, host_peak_bytes = 0;
};

// What else a device is opened for.
struct DeviceRequest {
  bool statistics = false;  // VK_KHR_pipeline_executable_properties, where the driver has it
};

// Outlives everything made from it. Only the functions of VkDevice that Vulkan calls internally
// synchronized may be used from several threads.
class Device {
 public:
  // info: an entry of list_devices(instance). Enables just the features that info.profile names.
  // Throws Error when the device is refused or cannot be opened.
  Device(const Instance& instance, const PhysicalDeviceInfo& info,
         const DeviceRequest& request = {});
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  VkInstance instance() const { return instance_; }
  VkDevice handle() const { return handle_; }
  VkQueue queue() const { return queue_; }
  const PhysicalDeviceInfo& info() const { return info_; }
  const DeviceProfile& profile() const { return info_.profile; }
  // True if they were asked for and the driver has them.
  bool has_pipeline_statistics() const { return pipeline_statistics_; }
  // Plans made from profile() afterwards do without these kernels (full names).
  void avoid(std::vector<std::string> kernels) {
    info_.profile.avoided_kernels = std::move(kernels);
  }
  // Plans made from profile() afterwards obey these choices.
  void tune(TunedKernels kernels) { info_.profile.tuned_kernels = std::move(kernels); }

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
  // watcher: called after every allocation and release, on their thread; empty: nobody.
  void watch_memory(std::function<void(const MemoryChange&)> watcher) {
    memory_watcher_ = std::move(watcher);
  }
  // Live VkDeviceMemory objects.
  std::uint32_t allocations() const { return allocations_; }
  MemoryUse memory_use() const;

 private:
  friend class Buffer;

  void open(const DeviceRequest& request);
  void count_memory(std::uint32_t heap, std::int64_t change_bytes, std::string_view name,
                    bool on_host);
  void load_debug_functions(const Instance& instance);
  void name_object(VkObjectType type, std::uint64_t handle, std::string_view text) const;

  PhysicalDeviceInfo info_;
  VkInstance instance_ = VK_NULL_HANDLE;
  VkPhysicalDevice physical_ = VK_NULL_HANDLE;
  VkDevice handle_ = VK_NULL_HANDLE;
  VkQueue queue_ = VK_NULL_HANDLE;
  bool memory_budget_ = false, pipeline_statistics_ = false;
  std::array<std::atomic<std::uint64_t>, VK_MAX_MEMORY_HEAPS> allocated_bytes_ = {};
  std::atomic<std::uint32_t> allocations_ = 0;
  struct Tally {
    std::atomic<std::uint64_t> bytes = 0, peak_bytes = 0;
  };
  Tally on_device_, on_host_;
  std::function<void(const MemoryChange&)> memory_watcher_;
  PFN_vkSetDebugUtilsObjectNameEXT set_name_ = nullptr;
  PFN_vkCmdBeginDebugUtilsLabelEXT begin_label_ = nullptr;
  PFN_vkCmdEndDebugUtilsLabelEXT end_label_ = nullptr;
};

}  // namespace kiln
