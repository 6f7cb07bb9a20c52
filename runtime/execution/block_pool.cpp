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

std::uint64_t BlockPool::rounded_bytes(std::uint64_t size_bytes) const {
  return align_up(std::max<std::uint64_t>(size_bytes, 1), alignment_);
}

std::vector<BlockPool::Piece> BlockPool::take(std::span<const Wanted> wanted) {
  // Half of the limit, since drivers may add to what is asked.
  const std::uint64_t largest = std::min(kLargestBlock, device_.profile().max_allocation_bytes / 2);
  std::vector<Piece> pieces(wanted.size());
  std::vector<Opened> opened;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const std::uint64_t rounded = rounded_bytes(wanted[i].size_bytes);
    for (Block& block : blocks_) {
      const auto offset = block.free.take(rounded, alignment_);
      if (!offset) continue;
      pieces[i].range_ = {block.buffer.get(), *offset, rounded};
      pieces[i].pool_ = this;
      break;
    }
    if (pieces[i].pool_ != nullptr) continue;
    const auto room = std::find_if(opened.begin(), opened.end(), [&](const Opened& block) {
      return block.used_bytes + rounded <= largest;
    });
    Opened& block = room == opened.end() ? opened.emplace_back() : *room;
    block.used_bytes += rounded;
    block.pieces.push_back(i);
  }
  for (const Opened& block : opened) open(block, wanted, pieces);
  return pieces;
}

void BlockPool::open(const Opened& opened, std::span<const Wanted> wanted,
                     std::vector<Piece>& pieces) {
  // A piece with a block to itself tells its own name when memory is short.
  const bool alone = opened.pieces.size() == 1;
  auto buffer =
      std::make_unique<Buffer>(device_, opened.used_bytes, kind_,
                               alone ? wanted[opened.pieces[0]].name : std::string_view(name_));
  blocks_.push_back({std::move(buffer), FreeList(opened.used_bytes)});
  Block& block = blocks_.back();
  for (const std::size_t i : opened.pieces) {
    const std::uint64_t rounded = rounded_bytes(wanted[i].size_bytes);
    pieces[i].range_ = {block.buffer.get(), *block.free.take(rounded, alignment_), rounded};
    pieces[i].pool_ = this;
  }
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
