// Blocks grow with demand and vanish when nothing is left in them.
#include "runtime/execution/block_pool.h"

#include <algorithm>
#include <utility>

#include "runtime/base/align.h"

namespace kiln {
namespace {

constexpr std::uint64_t kLargestBlock = 1ull << 30;

}  // namespace

BlockPool::BlockPool(Device& device, MemoryKind kind, std::string_view name)
    : device_(device), kind_(kind), name_(name) {
  // Whole atoms, so that a flush of one piece never touches its neighbour.
  alignment_ =
      std::max<std::uint64_t>(device.profile().binding_alignment, device.info().flush_alignment);
}

BlockPool::Piece::Piece(Piece&& other) noexcept
    : pool_(std::exchange(other.pool_, nullptr)), range_(other.range_) {}

BlockPool::Piece& BlockPool::Piece::operator=(Piece&& other) noexcept {
  std::swap(pool_, other.pool_);
  std::swap(range_, other.range_);
  return *this;
}

BlockPool::Piece::~Piece() {
  if (pool_ != nullptr) pool_->give(range_);
}

std::byte* BlockPool::Piece::mapped() const {
  std::byte* base = range_.buffer->mapped();
  return base == nullptr ? nullptr : base + range_.offset_bytes;
}

BlockPool::Piece BlockPool::take(std::uint64_t size_bytes, std::uint64_t expected_bytes,
                                 std::string_view name) {
  const std::uint64_t rounded = align_up(std::max<std::uint64_t>(size_bytes, 1), alignment_);
  Piece piece;
  for (Block& block : blocks_) {
    if (const auto offset = block.free.take(rounded, alignment_)) {
      piece.range_ = {block.buffer.get(), *offset, rounded};
      piece.pool_ = this;
      return piece;
    }
  }
  // Half of the limit, since drivers may add to what is asked.
  const std::uint64_t largest = std::min(kLargestBlock, device_.profile().max_allocation_bytes / 2);
  const std::uint64_t block_bytes =
      std::max(rounded, std::min(align_up(expected_bytes, alignment_), largest));
  // A piece with a block to itself tells its own name when memory is short.
  const std::string_view buffer_name = block_bytes == rounded ? name : std::string_view(name_);
  auto buffer = std::make_unique<Buffer>(device_, block_bytes, kind_, buffer_name);
  blocks_.push_back({std::move(buffer), FreeList(block_bytes)});
  piece.range_ = {blocks_.back().buffer.get(), *blocks_.back().free.take(rounded, alignment_),
                  rounded};
  piece.pool_ = this;
  return piece;
}

void BlockPool::give(const BufferRange& range) {
  const auto block = std::find_if(blocks_.begin(), blocks_.end(), [&](const Block& candidate) {
    return candidate.buffer.get() == range.buffer;
  });
  block->free.give(range.offset_bytes, range.size_bytes);
  if (block->free.unused()) blocks_.erase(block);
}

std::uint64_t BlockPool::allocated_bytes() const {
  std::uint64_t total = 0;
  for (const Block& block : blocks_) total += block.buffer->size_bytes();
  return total;
}

}  // namespace kiln
