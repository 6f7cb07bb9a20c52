// Command buffers, and the few commands that compute needs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "runtime/vulkan/buffer.h"
#include "runtime/vulkan/device.h"

namespace kiln {

class Timestamps;

// Frees its command buffers with itself; none of them may be pending then.
class CommandPool {
 public:
  CommandPool(const Device& device, std::string_view name);

  VkCommandBuffer allocate();
  // Makes every command buffer recordable again.
  void reset();

 private:
  const Device& device_;
  std::string name_;
  Owned<VkCommandPool, vkDestroyCommandPool> pool_;
};

// A command buffer while it is recorded.
class Commands {
 public:
  // Begins recording. place: for error messages.
  Commands(const Device& device, VkCommandBuffer buffer, std::string_view place);
  // Must be called last.
  void end();
  VkCommandBuffer handle() const { return buffer_; }

  void bind(VkPipeline pipeline);
  void bind_set(VkPipelineLayout layout, VkDescriptorSet set);
  void arguments(VkPipelineLayout layout, std::span<const std::byte> bytes);
  void dispatch(std::uint32_t x, std::uint32_t y, std::uint32_t z);
  void copy(const Buffer& from, std::uint64_t from_offset, const Buffer& to,
            std::uint64_t to_offset, std::uint64_t size_bytes);

  // Later kernels wait for, and see, what earlier kernels wrote; nor do they overtake their reads.
  void kernels_after_kernels();
  // As above, after copies too. At the top of a recording: orders it after earlier submissions.
  void kernels_after_all();
  // Later copies wait for, and see, what earlier kernels and copies wrote.
  void copies_after_all();
  // Later kernels and copies wait for, and see, what earlier kernels and copies wrote.
  void all_after_all();
  // The host may read what kernels and copies wrote, once the submission has completed.
  void host_after_all();

  void begin_label(const std::string& text);
  void end_label();
  void reset(const Timestamps& timestamps);
  // The time at which all kernels so far have ended.
  void write(const Timestamps& timestamps, std::uint32_t index);
  // The time at which the device comes to this place; it may still be busy with what stands before.
  void write_arrival(const Timestamps& timestamps, std::uint32_t index);

 private:
  void barrier(VkPipelineStageFlags from, VkAccessFlags writes, VkPipelineStageFlags to,
               VkAccessFlags accesses);

  const Device& device_;
  VkCommandBuffer buffer_;
  std::string_view place_;
};

}  // namespace kiln
