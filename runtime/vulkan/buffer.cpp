// Allocation of buffers, with errors that tell how much memory is missing.
#include "runtime/vulkan/buffer.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/base/align.h"
#include "runtime/base/error.h"
#include "runtime/vulkan/check.h"

namespace kiln {

Buffer::Buffer(Device& device, std::uint64_t size_bytes, MemoryKind kind, std::string_view name)
    : device_(device), name_(name), size_bytes_(size_bytes) {
  const DeviceProfile& profile = device.profile();
  if (size_bytes > profile.max_allocation_bytes) {
    fail(name,
         "needs {:.1f} MiB of memory in one piece; the largest allocation of {} is {:.1f} MiB",
         mebibytes(size_bytes), profile.name, mebibytes(profile.max_allocation_bytes));
  }
  VkBufferCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO;
  info.size = size_bytes;
  info.usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
               VK_BUFFER_USAGE_TRANSFER_DST_BIT;
  info.sharingMode = VK_SHARING_MODE_EXCLUSIVE;
  check(vkCreateBuffer(device.handle(), &info, nullptr, &buffer_), "vkCreateBuffer", name);
  try {
    allocate(kind, name);
  } catch (...) {
    release();
    throw;
  }
}

Buffer::~Buffer() { release(); }

void Buffer::release() {
  vkDestroyBuffer(device_.handle(), buffer_, nullptr);
  if (memory_ == VK_NULL_HANDLE) return;
  vkFreeMemory(device_.handle(), memory_, nullptr);
  device_.count_memory(heap_, -std::int64_t(memory_bytes_), name_, on_host_);
}

void Buffer::allocate(MemoryKind kind, std::string_view name) {
  on_host_ = counts_as_host(kind);
  VkMemoryRequirements needed{};
  vkGetBufferMemoryRequirements(device_.handle(), buffer_, &needed);
  // Whole atoms, so that a flush never reaches beyond the allocation.
  const std::uint64_t bytes = align_up(needed.size, device_.info().flush_alignment);
  const auto types = memory_types_for(kind, device_.info().memory_types, needed.memoryTypeBits);
  if (types.empty()) fail(name, "{} has no suitable memory type", device_.profile().name);
  VkResult result = VK_ERROR_OUT_OF_DEVICE_MEMORY;
  for (const std::uint32_t type : types) {
    result = try_type(type, bytes);
    if (result == VK_SUCCESS) break;
  }
  if (result != VK_SUCCESS) fail_memory(result, types.front(), bytes, name);
  check(vkBindBufferMemory(device_.handle(), buffer_, memory_, 0), "vkBindBufferMemory", name);
  device_.name(VK_OBJECT_TYPE_BUFFER, buffer_, name);
  if (!is_mapped(kind)) return;
  void* address = nullptr;
  check(vkMapMemory(device_.handle(), memory_, 0, VK_WHOLE_SIZE, 0, &address), "vkMapMemory", name);
  mapped_ = static_cast<std::byte*>(address);
}

VkResult Buffer::try_type(std::uint32_t type, std::uint64_t bytes) {
  const MemoryTypeInfo& info = device_.info().memory_types[type];
  // Software drivers promise any amount, and the process is killed when it touches that.
  if (bytes > device_.available_bytes(info.heap)) return VK_ERROR_OUT_OF_DEVICE_MEMORY;
  VkMemoryAllocateInfo allocate{};
  allocate.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO;
  allocate.allocationSize = bytes;
  allocate.memoryTypeIndex = type;
  const VkResult result = vkAllocateMemory(device_.handle(), &allocate, nullptr, &memory_);
  if (result != VK_SUCCESS) {
    memory_ = VK_NULL_HANDLE;
    return result;
  }
  heap_ = info.heap;
  memory_bytes_ = bytes;
  host_cached_ = info.host_cached;
  host_coherent_ = info.host_coherent;
  device_.count_memory(heap_, std::int64_t(bytes), name_, on_host_);
  return VK_SUCCESS;
}

void Buffer::fail_memory(VkResult result, std::uint32_t type, std::uint64_t bytes,
                         std::string_view name) const {
  if (result != VK_ERROR_OUT_OF_DEVICE_MEMORY && result != VK_ERROR_OUT_OF_HOST_MEMORY) {
    fail_call(result, "vkAllocateMemory", name);
  }
  const std::uint32_t heap = device_.info().memory_types[type].heap;
  const std::uint64_t available = device_.available_bytes(heap);
  fail(name, "needs {:.1f} MiB of memory{}; {} has {:.1f} MiB left (a heap of {:.1f} MiB)",
       mebibytes(bytes), bytes <= available ? ", which the driver refused" : "",
       device_.profile().name, mebibytes(available),
       mebibytes(device_.info().heaps[heap].size_bytes));
}

VkMappedMemoryRange Buffer::whole_atoms(std::uint64_t offset_bytes,
                                        std::uint64_t count_bytes) const {
  const std::uint64_t atom = device_.info().flush_alignment;
  VkMappedMemoryRange range{};
  range.sType = VK_STRUCTURE_TYPE_MAPPED_MEMORY_RANGE;
  range.memory = memory_;
  range.offset = offset_bytes / atom * atom;
  range.size = std::min(align_up(offset_bytes + count_bytes, atom), memory_bytes_) - range.offset;
  return range;
}

void Buffer::flush(std::uint64_t offset_bytes, std::uint64_t count_bytes) const {
  if (host_coherent_) return;
  const VkMappedMemoryRange range = whole_atoms(offset_bytes, count_bytes);
  check(vkFlushMappedMemoryRanges(device_.handle(), 1, &range), "vkFlushMappedMemoryRanges");
}

void Buffer::invalidate(std::uint64_t offset_bytes, std::uint64_t count_bytes) const {
  if (host_coherent_) return;
  const VkMappedMemoryRange range = whole_atoms(offset_bytes, count_bytes);
  check(vkInvalidateMappedMemoryRanges(device_.handle(), 1, &range),
        "vkInvalidateMappedMemoryRanges");
}

}  // namespace kiln
