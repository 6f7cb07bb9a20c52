// BlockPool: pieces of a few large buffers of one memory kind, so that allocations stay few.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/execution/free_list.h"
#include "runtime/vulkan/buffer.h"
#include "runtime/vulkan/pipeline.h"

namespace kiln {

class BlockPool {
 public:
  BlockPool(Device& device, MemoryKind kind, std::string_view name);

  // A range of a buffer, given back when destroyed. Move-only; the pool outlives it.
  class Piece {
   public:
    Piece() = default;
    Piece(Piece&& other) noexcept;
    Piece& operator=(Piece&& other) noexcept;
    ~Piece();

    const BufferRange& range() const { return range_; }
    const Buffer& buffer() const { return *range_.buffer; }
    // Where the host writes and reads; null in memory only the device touches.
    std::byte* mapped() const;

   private:
    friend class BlockPool;
    BlockPool* pool_ = nullptr;
    BufferRange range_;
  };

  // expected_bytes: of this piece and those that will follow at once; a new block is as large as
  // that, up to 1 GiB or half the device's limit. name: for the error when memory is short.
  Piece take(std::uint64_t size_bytes, std::uint64_t expected_bytes, std::string_view name);

  MemoryKind kind() const { return kind_; }
  std::uint64_t alignment() const { return alignment_; }
  std::uint64_t allocated_bytes() const;

 private:
  struct Block {
    std::unique_ptr<Buffer> buffer;
    FreeList free;
  };
  void give(const BufferRange& range);

  Device& device_;
  MemoryKind kind_;
  std::string name_;
  std::uint64_t alignment_;
  std::vector<Block> blocks_;
};

}  // namespace kiln
