// Compute pipelines and the descriptor sets they read their operands from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "runtime/vulkan/buffer.h"
#include "runtime/vulkan/device.h"

namespace kiln {

// Set 0 with storage buffers at bindings 0 .. operands - 1.
class SetLayout {
 public:
  SetLayout(const Device& device, std::uint32_t operands);
  VkDescriptorSetLayout get() const { return layout_.get(); }

 private:
  Owned<VkDescriptorSetLayout, vkDestroyDescriptorSetLayout> layout_;
};

// A set layout and `arguments_bytes` of push constants.
class PipelineLayout {
 public:
  PipelineLayout(const Device& device, const SetLayout& set, std::uint32_t arguments_bytes);
  VkPipelineLayout get() const { return layout_.get(); }

 private:
  Owned<VkPipelineLayout, vkDestroyPipelineLayout> layout_;
};

// Safe to use from several threads.
class PipelineCache {
 public:
  // kept: what bytes() of this driver's gave in an earlier run, unchanged; or nothing.
  explicit PipelineCache(const Device& device, std::span<const std::byte> kept = {});
  std::vector<std::byte> bytes() const;
  VkPipelineCache get() const { return cache_.get(); }

 private:
  const Device* device_;
  Owned<VkPipelineCache, vkDestroyPipelineCache> cache_;
};

struct PipelineSource {
  std::string_view name;                     // for messages
  std::string_view label;                    // for captures: tells its variants apart
  std::span<const std::uint32_t> spirv;      // entry point "main"
  std::span<const std::uint32_t> ids;        // of specialization constants
  std::span<const std::uint32_t> constants;  // their values, one per id
  std::uint32_t subgroup = 0;                // size that subgroups must have; 0: any
  // What the compiler shall keep for pipeline_executables(), where Device
  // has_pipeline_statistics().
  bool statistics = false, representations = false;
};

class ComputePipeline {
 public:
  // Throws Error naming the kernel when the driver refuses it.
  ComputePipeline(const Device& device, const PipelineLayout& layout, const PipelineCache& cache,
                  const PipelineSource& source);
  VkPipeline get() const { return pipeline_.get(); }

 private:
  Owned<VkPipeline, vkDestroyPipeline> pipeline_;
};

struct BufferRange {
  const Buffer* buffer = nullptr;
  std::uint64_t offset_bytes = 0, size_bytes = 0;
  bool operator==(const BufferRange&) const = default;
};

// As many sets as were asked for at its start; they live as long as the pool.
class DescriptorPool {
 public:
  DescriptorPool(const Device& device, std::uint32_t sets, std::uint32_t descriptors);
  // ranges: one per binding of the layout.
  VkDescriptorSet allocate(const SetLayout& layout, std::span<const BufferRange> ranges);

 private:
  const Device& device_;
  Owned<VkDescriptorPool, vkDestroyDescriptorPool> pool_;
};

}  // namespace kiln
