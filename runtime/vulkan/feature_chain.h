// FeatureChain: the feature structures a device knows, linked for a query or for opening it.
#pragma once

#include <cstdint>

#include "runtime/vulkan/api.h"
#include "runtime/vulkan/device_list.h"

namespace kiln {

// Links only what the device's API version and extensions allow. Neither copied nor moved.
struct FeatureChain {
  FeatureChain(std::uint32_t api_version, const PhysicalDeviceInfo& device);
  FeatureChain(const FeatureChain&) = delete;
  FeatureChain& operator=(const FeatureChain&) = delete;

  VkPhysicalDeviceFeatures2 base{};
  VkPhysicalDeviceVulkan11Features vulkan11{};
  VkPhysicalDeviceVulkan12Features vulkan12{};
  // From Vulkan 1.3; before that each by its extension.
  VkPhysicalDeviceSubgroupSizeControlFeatures subgroup_size{};
  VkPhysicalDeviceShaderIntegerDotProductFeatures integer_dot{};
  VkPhysicalDeviceMaintenance4Features maintenance4{};
  VkPhysicalDeviceCooperativeMatrixFeaturesKHR cooperative_matrix{};
  VkPhysicalDeviceShaderMixedFloatDotProductFeaturesVALVE mixed_dot{};

  VkPhysicalDevicePipelineExecutablePropertiesFeaturesKHR pipeline_statistics{};

  // The Need bits of what is on in these structures.
  std::uint32_t needs() const;
  // Turns on what serves these bits, and what the engine always uses.
  void enable(std::uint32_t needs, bool subgroup_size_control);
  // Links VK_KHR_pipeline_executable_properties, which the device must have, and turns it on.
  void enable_pipeline_statistics();

 private:
  void** next_ = nullptr;
  template <typename Structure>
  void link(Structure& structure, VkStructureType type);
};

}  // namespace kiln
