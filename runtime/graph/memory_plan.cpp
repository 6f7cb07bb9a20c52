// Greedy placement of blocks by size, and the figures that tell how good it is.
#include "runtime/graph/memory_plan.h"

#include <algorithm>
#include <numeric>

#include "runtime/base/align.h"

namespace kiln {
namespace {

bool alive_together(const Block& a, const Block& b) {
  return a.first <= b.last && b.first <= a.last;
}

std::uint64_t live_peak(std::span<const Block> blocks, std::uint64_t alignment) {
  std::uint32_t end = 0;
  for (const Block& block : blocks) end = std::max(end, block.last);
  std::vector<std::int64_t> change(std::size_t(end) + 2, 0);
  for (const Block& block : blocks) {
    const auto size = std::int64_t(align_up(block.size_bytes, alignment));
    change[block.first] += size;
    change[block.last + 1] -= size;
  }
  std::int64_t alive = 0, most = 0;
  for (const std::int64_t step : change) most = std::max(most, alive += step);
  return std::uint64_t(most);
}

}  // namespace

MemoryPlan plan_memory(std::span<const Block> blocks, std::uint64_t alignment) {
  MemoryPlan plan;
  plan.offsets.assign(blocks.size(), 0);
  plan.live_peak_bytes = live_peak(blocks, alignment);

  std::vector<std::size_t> order(blocks.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return blocks[a].size_bytes > blocks[b].size_bytes;
  });

  std::vector<std::size_t> placed;  // by offset
  for (const std::size_t index : order) {
    const std::uint64_t size = align_up(blocks[index].size_bytes, alignment);
    std::uint64_t offset = 0;
    for (const std::size_t other : placed) {
      if (!alive_together(blocks[index], blocks[other])) continue;
      if (offset + size <= plan.offsets[other]) break;
      offset =
          std::max(offset, plan.offsets[other] + align_up(blocks[other].size_bytes, alignment));
    }
    plan.offsets[index] = offset;
    plan.arena_bytes = std::max(plan.arena_bytes, offset + size);
    plan.sum_bytes += size;
    const auto place = std::upper_bound(
        placed.begin(), placed.end(), index,
        [&](std::size_t a, std::size_t b) { return plan.offsets[a] < plan.offsets[b]; });
    placed.insert(place, index);
  }
  return plan;
}

}  // namespace kiln
