// Which structures a device may be asked with, and what their flags mean to kernels.
#include "runtime/vulkan/feature_chain.h"

namespace kiln {

template <typename Structure>
void FeatureChain::link(Structure& structure, VkStructureType type) {
  structure.sType = type;
  *next_ = &structure;
  next_ = &structure.pNext;
}

FeatureChain::FeatureChain(std::uint32_t api_version, const PhysicalDeviceInfo& device) {
  base.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2;
  next_ = &base.pNext;
  if (api_version < VK_API_VERSION_1_2) return;
  link(vulkan11, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES);
  link(vulkan12, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES);
  const bool core13 = api_version >= VK_API_VERSION_1_3;
  if (core13 || device.has_extension(VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME)) {
    link(subgroup_size, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES);
  }
  if (core13 || device.has_extension(VK_KHR_SHADER_INTEGER_DOT_PRODUCT_EXTENSION_NAME)) {
    link(integer_dot, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_INTEGER_DOT_PRODUCT_FEATURES);
  }
  if (core13 || device.has_extension(VK_KHR_MAINTENANCE_4_EXTENSION_NAME)) {
    link(maintenance4, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_4_FEATURES);
  }
  if (device.has_extension(VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME)) {
    link(cooperative_matrix, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR);
  }
  if (device.has_extension(VK_VALVE_SHADER_MIXED_FLOAT_DOT_PRODUCT_EXTENSION_NAME)) {
    link(mixed_dot,
         VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_MIXED_FLOAT_DOT_PRODUCT_FEATURES_VALVE);
  }
}

std::uint32_t FeatureChain::needs() const {
  std::uint32_t bits = 0;
  const auto add = [&](VkBool32 on, Need need) {
    if (on) bits |= need;
  };
  add(vulkan11.storageBuffer16BitAccess, kNeedStorage16);
  add(vulkan12.shaderFloat16, kNeedFloat16);
  add(vulkan12.storageBuffer8BitAccess, kNeedStorage8);
  add(vulkan12.shaderInt8, kNeedInt8);
  add(base.features.shaderInt16, kNeedInt16);
  add(base.features.shaderInt64, kNeedInt64);
  add(vulkan12.vulkanMemoryModel && vulkan12.vulkanMemoryModelDeviceScope, kNeedMemoryModel);
  add(integer_dot.shaderIntegerDotProduct, kNeedIntegerDot);
  add(cooperative_matrix.cooperativeMatrix, kNeedCooperativeMatrix);
  add(mixed_dot.shaderMixedFloatDotProductFloat16AccFloat32, kNeedMixedDot);
  return bits;
}

void FeatureChain::enable(std::uint32_t needs, bool subgroup_size_control) {
  const auto on = [&](Need need) { return VkBool32((needs & need) != 0); };
  vulkan11.storageBuffer16BitAccess = on(kNeedStorage16);
  vulkan12.shaderFloat16 = on(kNeedFloat16);
  vulkan12.storageBuffer8BitAccess = on(kNeedStorage8);
  vulkan12.shaderInt8 = on(kNeedInt8);
  base.features.shaderInt16 = on(kNeedInt16);
  base.features.shaderInt64 = on(kNeedInt64);
  vulkan12.vulkanMemoryModel = vulkan12.vulkanMemoryModelDeviceScope = on(kNeedMemoryModel);
  integer_dot.shaderIntegerDotProduct = on(kNeedIntegerDot);
  cooperative_matrix.cooperativeMatrix = on(kNeedCooperativeMatrix);
  mixed_dot.shaderMixedFloatDotProductFloat16AccFloat32 = on(kNeedMixedDot);
  vulkan12.timelineSemaphore = VK_TRUE;
  subgroup_size.subgroupSizeControl = subgroup_size.computeFullSubgroups = subgroup_size_control;
}

void FeatureChain::enable_pipeline_statistics() {
  link(pipeline_statistics,
       VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PIPELINE_EXECUTABLE_PROPERTIES_FEATURES_KHR);
  pipeline_statistics.pipelineExecutableInfo = VK_TRUE;
}

}  // namespace kiln
