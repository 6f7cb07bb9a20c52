// Recording. Barriers are global: one queue, storage buffers only, so ranges would gain nothing.
#include "runtime/vulkan/commands.h"

#include "runtime/vulkan/check.h"
#include "runtime/vulkan/timestamps.h"

namespace kiln {
namespace {

constexpr VkPipelineStageFlags kKernels = VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT;
constexpr VkPipelineStageFlags kCopies = VK_PIPELINE_STAGE_TRANSFER_BIT;
constexpr VkAccessFlags kAnyWrite = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT;
constexpr VkAccessFlags kKernelAccess = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT;

}  // namespace

CommandPool::CommandPool(const Device& device, std::string_view name)
    : device_(device), name_(name) {
  VkCommandPoolCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO;
  info.queueFamilyIndex = device.info().queue_family;
  VkCommandPool pool = VK_NULL_HANDLE;
  check(vkCreateCommandPool(device.handle(), &info, nullptr, &pool), "vkCreateCommandPool", name);
  pool_ = {device.handle(), pool};
}

VkCommandBuffer CommandPool::allocate() {
  VkCommandBufferAllocateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO;
  info.commandPool = pool_.get();
  info.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
  info.commandBufferCount = 1;
  VkCommandBuffer buffer = VK_NULL_HANDLE;
  check(vkAllocateCommandBuffers(device_.handle(), &info, &buffer), "vkAllocateCommandBuffers",
        name_);
  device_.name(VK_OBJECT_TYPE_COMMAND_BUFFER, buffer, name_);
  return buffer;
}

void CommandPool::reset() {
  check(vkResetCommandPool(device_.handle(), pool_.get(), 0), "vkResetCommandPool", name_);
}

Commands::Commands(const Device& device, VkCommandBuffer buffer, std::string_view place)
    : device_(device), buffer_(buffer), place_(place) {
  VkCommandBufferBeginInfo info{};
  info.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO;
  check(vkBeginCommandBuffer(buffer, &info), "vkBeginCommandBuffer", place);
}

void Commands::end() { check(vkEndCommandBuffer(buffer_), "vkEndCommandBuffer", place_); }

void Commands::bind(VkPipeline pipeline) {
  vkCmdBindPipeline(buffer_, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
}

void Commands::bind_set(VkPipelineLayout layout, VkDescriptorSet set) {
  vkCmdBindDescriptorSets(buffer_, VK_PIPELINE_BIND_POINT_COMPUTE, layout, 0, 1, &set, 0, nullptr);
}

void Commands::arguments(VkPipelineLayout layout, std::span<const std::byte> bytes) {
  vkCmdPushConstants(buffer_, layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, std::uint32_t(bytes.size()),
                     bytes.data());
}

void Commands::dispatch(std::uint32_t x, std::uint32_t y, std::uint32_t z) {
  vkCmdDispatch(buffer_, x, y, z);
}

void Commands::copy(const Buffer& from, std::uint64_t from_offset, const Buffer& to,
                    std::uint64_t to_offset, std::uint64_t size_bytes) {
  const VkBufferCopy region{from_offset, to_offset, size_bytes};
  vkCmdCopyBuffer(buffer_, from.handle(), to.handle(), 1, &region);
}

void Commands::barrier(VkPipelineStageFlags from, VkAccessFlags writes, VkPipelineStageFlags to,
                       VkAccessFlags accesses) {
  VkMemoryBarrier memory{};
  memory.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER;
  memory.srcAccessMask = writes;
  memory.dstAccessMask = accesses;
  vkCmdPipelineBarrier(buffer_, from, to, 0, 1, &memory, 0, nullptr, 0, nullptr);
}

void Commands::kernels_after_kernels() {
  barrier(kKernels, VK_ACCESS_SHADER_WRITE_BIT, kKernels, kKernelAccess);
}

void Commands::kernels_after_all() {
  barrier(kKernels | kCopies, kAnyWrite, kKernels, kKernelAccess);
}

void Commands::copies_after_all() {
  barrier(kKernels | kCopies, kAnyWrite, kCopies,
          VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT);
}

void Commands::all_after_all() {
  barrier(kKernels | kCopies, kAnyWrite, kKernels | kCopies,
          kKernelAccess | VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT);
}

void Commands::host_after_all() {
  barrier(kKernels | kCopies, kAnyWrite, VK_PIPELINE_STAGE_HOST_BIT, VK_ACCESS_HOST_READ_BIT);
}

void Commands::begin_label(const std::string& text) {
  if (device_.has_labels()) device_.begin_label(buffer_, text.c_str());
}

void Commands::end_label() {
  if (device_.has_labels()) device_.end_label(buffer_);
}

void Commands::reset(const Timestamps& timestamps) {
  vkCmdResetQueryPool(buffer_, timestamps.get(), 0, timestamps.count());
}

void Commands::write(const Timestamps& timestamps, std::uint32_t index) {
  vkCmdWriteTimestamp(buffer_, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, timestamps.get(), index);
}

void Commands::write_arrival(const Timestamps& timestamps, std::uint32_t index) {
  vkCmdWriteTimestamp(buffer_, VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT, timestamps.get(), index);
}

}  // namespace kiln
