// BlockPool: pieces of a few large buffers of one memory kind, so that allocations stay few.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
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

  struct Wanted {
    std::uint64_t size_bytes = 0;
    std::string_view name = {};  // for the error when memory is short
  };
  // A piece each, in this order: in free room of blocks that exist, else in new blocks of up to
  // 1 GiB or half the device's limit, none larger than the pieces it is made for.
  std::vector<Piece> take(std::span<const Wanted> wanted);

  MemoryKind kind() const { return kind_; }
  std::uint64_t alignment() const { return alignment_; }
  // Of a piece: at least one unit of alignment.
  std::uint64_t rounded_bytes(std::uint64_t size_bytes) const;
  std::uint64_t allocated_bytes() const;

 private:
  struct Block {
    std::unique_ptr<Buffer> buffer;
    FreeList free;
  };
  // Where new pieces lie before their blocks exist.
  struct Opened {
    std::uint64_t used_bytes = 0;
    std::vector<std::size_t> pieces;  // numbers in `wanted`, side by side
  };
  void open(const Opened& opened, std::span<const Wanted> wanted, std::vector<Piece>& pieces);
  void give(const BufferRange& range);

  Device& device_;
  MemoryKind kind_;
  std::string name_;
  std::uint64_t alignment_;
  std::vector<Block> blocks_;
};

}  // namespace kiln
