// Opens a device with the features its profile names.
#include "runtime/vulkan/device.h"

#include <unistd.h>

#include <algorithm>
#include <vector>

#include "runtime/base/error.h"
#include "runtime/vulkan/check.h"
#include "runtime/vulkan/feature_chain.h"

namespace kiln {
namespace {

std::uint64_t host_memory_bytes() {
  const long pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);
  return pages > 0 && page_bytes > 0 ? std::uint64_t(pages) * std::uint64_t(page_bytes) : 0;
}

std::uint64_t less(std::uint64_t all, std::uint64_t used) { return all > used ? all - used : 0; }

}  // namespace

Device::Device(const Instance& instance, const PhysicalDeviceInfo& info,
               const DeviceRequest& request)
    : info_(info), instance_(instance.handle()) {
  if (!info.refused.empty()) {
    fail("device", "{} cannot be used: {}", info.profile.name, info.refused);
  }
  physical_ = instance.physical_devices().at(info.index);
  open(request);
  vkGetDeviceQueue(handle_, info_.queue_family, 0, &queue_);
  if (instance.debug_utils()) load_debug_functions(instance);
}

Device::~Device() { vkDestroyDevice(handle_, nullptr); }

void Device::open(const DeviceRequest& request) {
  const float priority = 1.0f;
  VkDeviceQueueCreateInfo queue{};
  queue.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO;
  queue.queueFamilyIndex = info_.queue_family;
  queue.queueCount = 1;
  queue.pQueuePriorities = &priority;

  std::vector<const char*> extensions;
  const auto use = [&](const char* name) {
    const bool there = info_.has_extension(name);
    if (there) extensions.push_back(name);
    return there;
  };
  memory_budget_ = use(VK_EXT_MEMORY_BUDGET_EXTENSION_NAME);
  use("VK_KHR_portability_subset");
  pipeline_statistics_ =
      request.statistics && use(VK_KHR_PIPELINE_EXECUTABLE_PROPERTIES_EXTENSION_NAME);
  if (info_.profile.api_version < VK_API_VERSION_1_3) {
    use(VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME);
    use(VK_KHR_SHADER_INTEGER_DOT_PRODUCT_EXTENSION_NAME);
    use(VK_KHR_MAINTENANCE_4_EXTENSION_NAME);
  }
  use(VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME);
  use(VK_VALVE_SHADER_MIXED_FLOAT_DOT_PRODUCT_EXTENSION_NAME);

  FeatureChain features(info_.profile.api_version, info_);
  features.enable(info_.profile.features, info_.profile.subgroup_size_control);
  if (pipeline_statistics_) features.enable_pipeline_statistics();
  VkDeviceCreateInfo create{};
  create.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO;
  create.pNext = &features.base;
  create.queueCreateInfoCount = 1;
  create.pQueueCreateInfos = &queue;
  create.enabledExtensionCount = std::uint32_t(extensions.size());
  create.ppEnabledExtensionNames = extensions.data();
  check(vkCreateDevice(physical_, &create, nullptr, &handle_), "vkCreateDevice",
        info_.profile.name);
}

void Device::load_debug_functions(const Instance& instance) {
  set_name_ = instance.function<PFN_vkSetDebugUtilsObjectNameEXT>("vkSetDebugUtilsObjectNameEXT");
  begin_label_ =
      instance.function<PFN_vkCmdBeginDebugUtilsLabelEXT>("vkCmdBeginDebugUtilsLabelEXT");
  end_label_ = instance.function<PFN_vkCmdEndDebugUtilsLabelEXT>("vkCmdEndDebugUtilsLabelEXT");
  if (end_label_ == nullptr) begin_label_ = nullptr;
  name(VK_OBJECT_TYPE_QUEUE, queue_, "compute queue");
}

void Device::name_object(VkObjectType type, std::uint64_t handle, std::string_view text) const {
  if (set_name_ == nullptr) return;
  const std::string name(text);
  VkDebugUtilsObjectNameInfoEXT info{};
  info.sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_OBJECT_NAME_INFO_EXT;
  info.objectType = type;
  info.objectHandle = handle;
  info.pObjectName = name.c_str();
  check(set_name_(handle_, &info), "vkSetDebugUtilsObjectNameEXT", text);
}

void Device::begin_label(VkCommandBuffer commands, const char* text) const {
  VkDebugUtilsLabelEXT label{};
  label.sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_LABEL_EXT;
  label.pLabelName = text;
  begin_label_(commands, &label);
}

void Device::end_label(VkCommandBuffer commands) const { end_label_(commands); }

MemoryUse Device::memory_use() const {
  return {.device_bytes = on_device_.bytes,
          .device_peak_bytes = on_device_.peak_bytes,
          .host_bytes = on_host_.bytes,
          .host_peak_bytes = on_host_.peak_bytes};
}

void Device::count_memory(std::uint32_t heap, std::int64_t change_bytes, std::string_view name,
                          bool on_host) {
  Tally& tally = on_host ? on_host_ : on_device_;
  const std::uint64_t now = tally.bytes += std::uint64_t(change_bytes);
  std::uint64_t most = tally.peak_bytes;
  while (now > most && !tally.peak_bytes.compare_exchange_weak(most, now)) {
  }
  const std::uint64_t held = allocated_bytes_[heap] += std::uint64_t(change_bytes);
  allocations_ += change_bytes > 0 ? 1u : ~0u;
  if (memory_watcher_) memory_watcher_({heap, change_bytes, held, std::string(name)});
}

std::uint64_t Device::available_bytes(std::uint32_t heap) const {
  if (info_.profile.kind == DeviceKind::cpu) {
    // Some software drivers report a fixed 2 GiB, whatever the machine has.
    const std::uint64_t size = std::max(info_.heaps[heap].size_bytes, host_memory_bytes());
    return less(size, allocated_bytes_[heap]);
  }
  if (memory_budget_) {
    VkPhysicalDeviceMemoryBudgetPropertiesEXT budget{};
    budget.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT;
    VkPhysicalDeviceMemoryProperties2 memory{};
    memory.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2;
    memory.pNext = &budget;
    vkGetPhysicalDeviceMemoryProperties2(physical_, &memory);
    return less(budget.heapBudget[heap], budget.heapUsage[heap]);
  }
  return less(info_.heaps[heap].size_bytes, allocated_bytes_[heap]);
}

}  // namespace kiln
