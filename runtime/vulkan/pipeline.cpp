// Pipelines, layouts and descriptor sets.
#include "runtime/vulkan/pipeline.h"

#include "runtime/vulkan/check.h"

namespace kiln {

SetLayout::SetLayout(const Device& device, std::uint32_t operands) {
  std::vector<VkDescriptorSetLayoutBinding> bindings(operands);
  for (std::uint32_t i = 0; i < operands; ++i) {
    bindings[i].binding = i;
    bindings[i].descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
    bindings[i].descriptorCount = 1;
    bindings[i].stageFlags = VK_SHADER_STAGE_COMPUTE_BIT;
  }
  VkDescriptorSetLayoutCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO;
  info.bindingCount = operands;
  info.pBindings = bindings.data();
  VkDescriptorSetLayout layout = VK_NULL_HANDLE;
  check(vkCreateDescriptorSetLayout(device.handle(), &info, nullptr, &layout),
        "vkCreateDescriptorSetLayout");
  layout_ = {device.handle(), layout};
}

PipelineLayout::PipelineLayout(const Device& device, const SetLayout& set,
                               std::uint32_t arguments_bytes) {
  const VkPushConstantRange arguments{VK_SHADER_STAGE_COMPUTE_BIT, 0, arguments_bytes};
  const VkDescriptorSetLayout set_handle = set.get();
  VkPipelineLayoutCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO;
  info.setLayoutCount = 1;
  info.pSetLayouts = &set_handle;
  info.pushConstantRangeCount = arguments_bytes > 0 ? 1 : 0;
  info.pPushConstantRanges = &arguments;
  VkPipelineLayout layout = VK_NULL_HANDLE;
  check(vkCreatePipelineLayout(device.handle(), &info, nullptr, &layout), "vkCreatePipelineLayout");
  layout_ = {device.handle(), layout};
}

PipelineCache::PipelineCache(const Device& device, std::span<const std::byte> kept)
    : device_(&device) {
  VkPipelineCacheCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO;
  info.initialDataSize = kept.size();
  info.pInitialData = kept.data();
  VkPipelineCache cache = VK_NULL_HANDLE;
  check(vkCreatePipelineCache(device.handle(), &info, nullptr, &cache), "vkCreatePipelineCache");
  cache_ = {device.handle(), cache};
}

std::vector<std::byte> PipelineCache::bytes() const {
  std::size_t size = 0;
  check(vkGetPipelineCacheData(device_->handle(), cache_.get(), &size, nullptr),
        "vkGetPipelineCacheData");
  std::vector<std::byte> bytes(size);
  check(vkGetPipelineCacheData(device_->handle(), cache_.get(), &size, bytes.data()),
        "vkGetPipelineCacheData");
  bytes.resize(size);
  return bytes;
}

ComputePipeline::ComputePipeline(const Device& device, const PipelineLayout& layout,
                                 const PipelineCache& cache, const PipelineSource& source) {
  VkShaderModuleCreateInfo code{};
  code.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO;
  code.codeSize = source.spirv.size_bytes();
  code.pCode = source.spirv.data();
  VkShaderModule handle = VK_NULL_HANDLE;
  check(vkCreateShaderModule(device.handle(), &code, nullptr, &handle), "vkCreateShaderModule",
        source.name);
  const Owned<VkShaderModule, vkDestroyShaderModule> module(device.handle(), handle);
  device.name(VK_OBJECT_TYPE_SHADER_MODULE, handle, source.name);

  std::vector<VkSpecializationMapEntry> entries;
  for (std::uint32_t i = 0; i < source.ids.size(); ++i)
    entries.push_back({source.ids[i], 4 * i, 4});
  const VkSpecializationInfo constants{std::uint32_t(entries.size()), entries.data(),
                                       source.constants.size_bytes(), source.constants.data()};
  VkComputePipelineCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO;
  info.stage.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO;
  info.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
  info.stage.module = module.get();
  info.stage.pName = "main";
  info.stage.pSpecializationInfo = &constants;
  VkPipelineShaderStageRequiredSubgroupSizeCreateInfo subgroup{};
  if (source.subgroup != 0 && device.profile().subgroup_size_control) {
    subgroup.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO;
    subgroup.requiredSubgroupSize = source.subgroup;
    info.stage.pNext = &subgroup;
    info.stage.flags = VK_PIPELINE_SHADER_STAGE_CREATE_REQUIRE_FULL_SUBGROUPS_BIT;
  }
  if (device.has_pipeline_statistics()) {
    if (source.statistics) info.flags |= VK_PIPELINE_CREATE_CAPTURE_STATISTICS_BIT_KHR;
    if (source.representations) {
      info.flags |= VK_PIPELINE_CREATE_CAPTURE_INTERNAL_REPRESENTATIONS_BIT_KHR;
    }
  }
  info.layout = layout.get();
  info.basePipelineIndex = -1;
  VkPipeline pipeline = VK_NULL_HANDLE;
  check(vkCreateComputePipelines(device.handle(), cache.get(), 1, &info, nullptr, &pipeline),
        "vkCreateComputePipelines", source.name);
  pipeline_ = {device.handle(), pipeline};
  device.name(VK_OBJECT_TYPE_PIPELINE, pipeline, source.label);
}

DescriptorPool::DescriptorPool(const Device& device, std::uint32_t sets, std::uint32_t descriptors)
    : device_(device) {
  if (sets == 0) return;
  const VkDescriptorPoolSize size{VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, descriptors};
  VkDescriptorPoolCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO;
  info.maxSets = sets;
  info.poolSizeCount = descriptors > 0 ? 1 : 0;
  info.pPoolSizes = &size;
  VkDescriptorPool pool = VK_NULL_HANDLE;
  check(vkCreateDescriptorPool(device.handle(), &info, nullptr, &pool), "vkCreateDescriptorPool");
  pool_ = {device.handle(), pool};
}

VkDescriptorSet DescriptorPool::allocate(const SetLayout& layout,
                                         std::span<const BufferRange> ranges) {
  const VkDescriptorSetLayout layout_handle = layout.get();
  VkDescriptorSetAllocateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO;
  info.descriptorPool = pool_.get();
  info.descriptorSetCount = 1;
  info.pSetLayouts = &layout_handle;
  VkDescriptorSet set = VK_NULL_HANDLE;
  check(vkAllocateDescriptorSets(device_.handle(), &info, &set), "vkAllocateDescriptorSets");

  std::vector<VkDescriptorBufferInfo> buffers;
  for (const BufferRange& range : ranges) {
    buffers.push_back({range.buffer->handle(), range.offset_bytes, range.size_bytes});
  }
  std::vector<VkWriteDescriptorSet> writes(ranges.size());
  for (std::uint32_t i = 0; i < writes.size(); ++i) {
    writes[i].sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET;
    writes[i].dstSet = set;
    writes[i].dstBinding = i;
    writes[i].descriptorCount = 1;
    writes[i].descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
    writes[i].pBufferInfo = &buffers[i];
  }
  vkUpdateDescriptorSets(device_.handle(), std::uint32_t(writes.size()), writes.data(), 0, nullptr);
  return set;
}

}  // namespace kiln
