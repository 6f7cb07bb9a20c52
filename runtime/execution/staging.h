// Staging: copies between the host and memory that only the device touches.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "runtime/vulkan/commands.h"
#include "runtime/vulkan/pipeline.h"
#include "runtime/vulkan/timeline.h"

namespace kiln {

// Two halves used in turn: the host fills one while the device copies the other.
class Staging {
 public:
  Staging(Device& device, Timeline& timeline);

  // Copies bytes into the range's first bytes. They may be reused at once; the copy is only
  // submitted by finish() or when a half is full.
  void upload(const BufferRange& to, std::span<const std::byte> bytes, std::string_view place);
  void finish(std::string_view place);

  // Waits for everything submitted before, then for the copy.
  void download(const BufferRange& from, std::span<std::byte> bytes, std::string_view place);

  std::uint64_t allocated_bytes() const;

 private:
  struct Half {
    std::unique_ptr<Buffer> buffer;
    std::unique_ptr<CommandPool> pool;
    VkCommandBuffer commands = VK_NULL_HANDLE;
    std::uint64_t used_bytes = 0;
    std::uint64_t submitted = 0;  // timeline value of its last copies
  };
  void make(Half& half, std::uint64_t bytes, MemoryKind kind, std::string_view name);
  Commands& open(std::uint64_t wanted_bytes, std::string_view place);

  Device& device_;
  Timeline& timeline_;
  std::array<Half, 2> halves_;
  std::size_t current_ = 0;
  std::unique_ptr<Commands> recording_;
  Half down_;
};

}  // namespace kiln
