// Buffer: a storage buffer with memory of its own, mapped for good where the host may touch it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/vulkan/device.h"
#include "runtime/vulkan/memory_kind.h"

namespace kiln {

class Buffer {
 public:
  // size_bytes > 0. Throws Error naming the bytes needed and available when it does not fit.
  Buffer(Device& device, std::uint64_t size_bytes, MemoryKind kind, std::string_view name);
  ~Buffer();
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  VkBuffer handle() const { return buffer_; }
  std::uint64_t size_bytes() const { return size_bytes_; }
  // Null for MemoryKind::device.
  std::byte* mapped() const { return mapped_; }
  // True if host reads are fast; else write only, in order.
  bool host_cached() const { return host_cached_; }

  // After host writes and before they are submitted; before host reads. Nothing on coherent memory.
  void flush(std::uint64_t offset_bytes, std::uint64_t count_bytes) const;
  void invalidate(std::uint64_t offset_bytes, std::uint64_t count_bytes) const;

 private:
  void allocate(MemoryKind kind, std::string_view name);
  VkResult try_type(std::uint32_t type, std::uint64_t bytes);
  [[noreturn]] void fail_memory(VkResult result, std::uint32_t type, std::uint64_t bytes,
                                std::string_view name) const;
  VkMappedMemoryRange whole_atoms(std::uint64_t offset_bytes, std::uint64_t count_bytes) const;
  void release();

  Device& device_;
  std::string name_;
  VkBuffer buffer_ = VK_NULL_HANDLE;
  VkDeviceMemory memory_ = VK_NULL_HANDLE;
  std::byte* mapped_ = nullptr;
  std::uint64_t size_bytes_ = 0, memory_bytes_ = 0;
  std::uint32_t heap_ = 0;
  bool on_host_ = false;  // counts_as_host(kind)
  bool host_cached_ = false, host_coherent_ = false;
};

}  // namespace kiln
