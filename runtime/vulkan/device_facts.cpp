// Reads what each physical device says of itself into a profile.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "runtime/base/error.h"
#include "runtime/vulkan/check.h"
#include "runtime/vulkan/device_list.h"
#include "runtime/vulkan/feature_chain.h"
#include "runtime/vulkan/instance.h"
#include "runtime/vulkan/quirks.h"

namespace kiln {
namespace {

// Values at least start on a cache line, whatever less a device would accept.
constexpr std::uint32_t kLeastAlignment = 64;

std::vector<std::string> extensions_of(VkPhysicalDevice device) {
  std::uint32_t count = 0;
  check(vkEnumerateDeviceExtensionProperties(device, nullptr, &count, nullptr),
        "vkEnumerateDeviceExtensionProperties");
  std::vector<VkExtensionProperties> properties(count);
  check(vkEnumerateDeviceExtensionProperties(device, nullptr, &count, properties.data()),
        "vkEnumerateDeviceExtensionProperties");
  std::vector<std::string> names;
  for (std::uint32_t i = 0; i < count; ++i) names.emplace_back(properties[i].extensionName);
  return names;
}

DeviceKind kind_of(VkPhysicalDeviceType type) {
  switch (type) {
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
      return DeviceKind::discrete;
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
      return DeviceKind::integrated;
    case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
      return DeviceKind::virtual_gpu;
    case VK_PHYSICAL_DEVICE_TYPE_CPU:
      return DeviceKind::cpu;
    default:
      return DeviceKind::other;
  }
}

// GPU drivers reset a device after about 2 s; a slow one of its kind must stay well below. Software
// has no watchdog, but cancelling should not take long.
void set_work_limits(DeviceProfile& profile) {
  constexpr std::uint64_t kGiga = 1'000'000'000;
  switch (profile.kind) {
    case DeviceKind::discrete:
      profile.max_dispatch_flops = 40 * kGiga;
      profile.max_submission_flops = 80 * kGiga;
      return;
    case DeviceKind::cpu:
      profile.max_dispatch_flops = 60 * kGiga;
      profile.max_submission_flops = 200 * kGiga;
      return;
    default:
      profile.max_dispatch_flops = 4 * kGiga;
      profile.max_submission_flops = 10 * kGiga;
      return;
  }
}

void read_limits(const VkPhysicalDeviceLimits& limits, PhysicalDeviceInfo& info) {
  DeviceProfile& profile = info.profile;
  profile.max_workgroup_invocations = limits.maxComputeWorkGroupInvocations;
  std::copy_n(limits.maxComputeWorkGroupSize, 3, profile.max_workgroup_size.begin());
  std::copy_n(limits.maxComputeWorkGroupCount, 3, profile.max_grid.begin());
  profile.max_shared_bytes = limits.maxComputeSharedMemorySize;
  profile.max_arguments_bytes = limits.maxPushConstantsSize;
  // Some drivers have a small limit for all resources of a stage.
  profile.max_storage_buffers =
      std::min({limits.maxPerStageDescriptorStorageBuffers, limits.maxPerStageResources,
                limits.maxDescriptorSetStorageBuffers});
  profile.max_binding_bytes = limits.maxStorageBufferRange;
  profile.binding_alignment =
      std::max(std::uint32_t(limits.minStorageBufferOffsetAlignment), kLeastAlignment);
  info.flush_alignment = std::max<std::uint64_t>(limits.nonCoherentAtomSize, 1);
  info.timestamp_ns = double(limits.timestampPeriod);
}

std::uint32_t subgroup_needs(const VkPhysicalDeviceSubgroupProperties& subgroup) {
  if ((subgroup.supportedStages & VK_SHADER_STAGE_COMPUTE_BIT) == 0) return 0;
  std::uint32_t bits = 0;
  const auto add = [&](VkSubgroupFeatureFlags operations, Need need) {
    if ((subgroup.supportedOperations & operations) == operations) bits |= need;
  };
  add(VK_SUBGROUP_FEATURE_BASIC_BIT, kNeedSubgroupBasic);
  add(VK_SUBGROUP_FEATURE_ARITHMETIC_BIT, kNeedSubgroupArithmetic);
  add(VK_SUBGROUP_FEATURE_BALLOT_BIT, kNeedSubgroupBallot);
  add(VK_SUBGROUP_FEATURE_SHUFFLE_BIT, kNeedSubgroupShuffle);
  return bits;
}

// Properties that came with versions 1.1 to 1.3 or extensions.
void read_properties(VkPhysicalDevice device, std::uint32_t api, PhysicalDeviceInfo& info) {
  VkPhysicalDeviceProperties2 base{};
  base.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2;
  void** next = &base.pNext;
  const auto link = [&next](auto& structure, VkStructureType type) {
    structure.sType = type;
    *next = &structure;
    next = &structure.pNext;
  };
  VkPhysicalDeviceIDProperties id{};
  VkPhysicalDeviceSubgroupProperties subgroup{};
  VkPhysicalDeviceMaintenance3Properties maintenance3{};
  VkPhysicalDeviceDriverProperties driver{};
  VkPhysicalDeviceSubgroupSizeControlProperties sizes{};
  VkPhysicalDeviceShaderIntegerDotProductProperties dot{};
  VkPhysicalDeviceMaintenance4Properties maintenance4{};
  const bool core13 = api >= VK_API_VERSION_1_3;
  link(id, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ID_PROPERTIES);
  link(subgroup, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES);
  link(maintenance3, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES);
  link(driver, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES);
  if (core13 || info.has_extension(VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME)) {
    link(sizes, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES);
  }
  if (core13 || info.has_extension(VK_KHR_SHADER_INTEGER_DOT_PRODUCT_EXTENSION_NAME)) {
    link(dot, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_INTEGER_DOT_PRODUCT_PROPERTIES);
  }
  if (core13 || info.has_extension(VK_KHR_MAINTENANCE_4_EXTENSION_NAME)) {
    link(maintenance4, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_4_PROPERTIES);
  }
  vkGetPhysicalDeviceProperties2(device, &base);

  DeviceProfile& profile = info.profile;
  std::copy_n(id.deviceUUID, info.uuid.size(), info.uuid.begin());
  info.driver_id = std::uint32_t(driver.driverID);
  profile.driver = driver.driverName;
  if (driver.driverInfo[0] != '\0') profile.driver += fmt::format(" {}", driver.driverInfo);
  profile.features |= subgroup_needs(subgroup);
  profile.subgroup_size = std::max(subgroup.subgroupSize, 1u);
  profile.min_subgroup_size = sizes.minSubgroupSize ? sizes.minSubgroupSize : profile.subgroup_size;
  profile.max_subgroup_size = sizes.maxSubgroupSize ? sizes.maxSubgroupSize : profile.subgroup_size;
  if ((sizes.requiredSubgroupSizeStages & VK_SHADER_STAGE_COMPUTE_BIT) == 0) {
    profile.subgroup_size_control = false;
  }
  profile.max_allocation_bytes = maintenance3.maxMemoryAllocationSize;
  if (maintenance4.maxBufferSize > 0) {
    profile.max_allocation_bytes =
        std::min<std::uint64_t>(profile.max_allocation_bytes, maintenance4.maxBufferSize);
  }
  info.mixed_dot_products = dot.integerDotProduct4x8BitPackedMixedSignednessAccelerated;
}

void read_memory(VkPhysicalDevice device, PhysicalDeviceInfo& info) {
  VkPhysicalDeviceMemoryProperties memory{};
  vkGetPhysicalDeviceMemoryProperties(device, &memory);
  for (std::uint32_t i = 0; i < memory.memoryHeapCount; ++i) {
    info.heaps.push_back({memory.memoryHeaps[i].size,
                          (memory.memoryHeaps[i].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT) != 0});
  }
  constexpr VkMemoryPropertyFlags kOrdinary =
      VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT | VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT |
      VK_MEMORY_PROPERTY_HOST_COHERENT_BIT | VK_MEMORY_PROPERTY_HOST_CACHED_BIT;
  for (std::uint32_t i = 0; i < memory.memoryTypeCount; ++i) {
    const VkMemoryPropertyFlags flags = memory.memoryTypes[i].propertyFlags;
    info.memory_types.push_back(
        {.heap = memory.memoryTypes[i].heapIndex,
         .device_local = (flags & VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT) != 0,
         .host_visible = (flags & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT) != 0,
         .host_coherent = (flags & VK_MEMORY_PROPERTY_HOST_COHERENT_BIT) != 0,
         .host_cached = (flags & VK_MEMORY_PROPERTY_HOST_CACHED_BIT) != 0,
         .ordinary = (flags & ~kOrdinary) == 0});
  }
}

// A family for compute alone leaves the desktop's graphics queue in peace.
bool read_queues(VkPhysicalDevice device, PhysicalDeviceInfo& info) {
  std::uint32_t count = 0;
  vkGetPhysicalDeviceQueueFamilyProperties(device, &count, nullptr);
  std::vector<VkQueueFamilyProperties> families(count);
  vkGetPhysicalDeviceQueueFamilyProperties(device, &count, families.data());
  int best = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    const VkQueueFamilyProperties& family = families[i];
    if (family.queueCount == 0 || (family.queueFlags & VK_QUEUE_COMPUTE_BIT) == 0) continue;
    const int points = (family.queueFlags & VK_QUEUE_GRAPHICS_BIT) != 0 ? 1 : 2;
    if (points <= best) continue;
    best = points;
    info.queue_family = i;
    info.timestamp_bits = family.timestampValidBits;
  }
  return best > 0;
}

bool floating(VkComponentTypeKHR type, DType& dtype) {
  if (type == VK_COMPONENT_TYPE_FLOAT16_KHR) dtype = DType::f16;
  if (type == VK_COMPONENT_TYPE_FLOAT32_KHR) dtype = DType::f32;
  return type == VK_COMPONENT_TYPE_FLOAT16_KHR || type == VK_COMPONENT_TYPE_FLOAT32_KHR;
}

void read_matrices(const Instance& instance, VkPhysicalDevice device, PhysicalDeviceInfo& info) {
  const auto list = instance.function<PFN_vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR>(
      "vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR");
  if (list == nullptr) return;
  std::uint32_t count = 0;
  check(list(device, &count, nullptr), "vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR");
  VkCooperativeMatrixPropertiesKHR empty{};
  empty.sType = VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_PROPERTIES_KHR;
  std::vector<VkCooperativeMatrixPropertiesKHR> shapes(count, empty);
  check(list(device, &count, shapes.data()), "vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR");
  for (std::uint32_t i = 0; i < count; ++i) {
    const VkCooperativeMatrixPropertiesKHR& shape = shapes[i];
    MatrixShape found{shape.MSize, shape.NSize, shape.KSize};
    if (shape.scope != VK_SCOPE_SUBGROUP_KHR || shape.saturatingAccumulation ||
        shape.AType != shape.BType || shape.CType != shape.ResultType ||
        !floating(shape.AType, found.input) || !floating(shape.CType, found.accumulator)) {
      continue;
    }
    info.profile.matrix_shapes.push_back(found);
  }
}

void read_features(const Instance& instance, VkPhysicalDevice device, std::uint32_t api,
                   PhysicalDeviceInfo& info) {
  FeatureChain features(api, info);
  vkGetPhysicalDeviceFeatures2(device, &features.base);
  info.profile.features = features.needs();
  info.profile.subgroup_size_control =
      features.subgroup_size.subgroupSizeControl && features.subgroup_size.computeFullSubgroups;
  if (!features.vulkan12.timelineSemaphore) info.refused = "its driver has no timeline semaphores";
  if (info.profile.serves(kNeedCooperativeMatrix)) read_matrices(instance, device, info);
  if (info.profile.matrix_shapes.empty()) {
    info.profile.features &= ~std::uint32_t(kNeedCooperativeMatrix);
  }
}

PhysicalDeviceInfo describe(const Instance& instance, VkPhysicalDevice device,
                            std::uint32_t index) {
  PhysicalDeviceInfo info;
  info.index = index;
  VkPhysicalDeviceProperties properties{};
  vkGetPhysicalDeviceProperties(device, &properties);
  DeviceProfile& profile = info.profile;
  profile.name = properties.deviceName;
  profile.vendor_id = properties.vendorID;
  profile.device_id = properties.deviceID;
  profile.driver_version = properties.driverVersion;
  profile.api_version = properties.apiVersion;
  profile.kind = kind_of(properties.deviceType);
  profile.features = 0;
  set_work_limits(profile);
  read_limits(properties.limits, info);
  read_memory(device, info);
  if (properties.apiVersion < VK_API_VERSION_1_2) {
    info.refused = fmt::format("its driver speaks Vulkan {}.{}, 1.2 is needed",
                               VK_API_VERSION_MAJOR(properties.apiVersion),
                               VK_API_VERSION_MINOR(properties.apiVersion));
    profile.driver = fmt::format("version {:#x}", properties.driverVersion);
    return info;
  }
  info.extensions = extensions_of(device);
  read_features(instance, device, properties.apiVersion, info);
  read_properties(device, properties.apiVersion, info);
  if (!read_queues(device, info)) info.refused = "it has no queue for compute";
  if (info.timestamp_bits == 0) info.timestamp_ns = 0.0;
  apply_quirks(info);
  return info;
}

}  // namespace

std::vector<PhysicalDeviceInfo> list_devices(const Instance& instance) {
  std::vector<PhysicalDeviceInfo> devices;
  for (const VkPhysicalDevice device : instance.physical_devices()) {
    devices.push_back(describe(instance, device, std::uint32_t(devices.size())));
  }
  return devices;
}

}  // namespace kiln
