// Pass 3: byte ranges in one arena by liveness. A pure function.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace kiln {

// Bytes needed from the start of dispatch `first` to the end of dispatch `last`.
struct Block {
  std::uint64_t size_bytes = 0;
  std::uint32_t first = 0, last = 0;
};

struct MemoryPlan {
  std::vector<std::uint64_t> offsets;  // one per block
  std::uint64_t arena_bytes = 0;
  std::uint64_t live_peak_bytes = 0;  // lower bound: most bytes alive at once
  std::uint64_t sum_bytes = 0;        // what it would take without sharing
};

// Greedy placement, largest first, each at the lowest offset free during its life. Offsets are
// multiples of alignment. Source: the "greedy by size" strategy of Pisarchyk and Lee, "Efficient
// memory management for deep neural net inference", 2020.
MemoryPlan plan_memory(std::span<const Block> blocks, std::uint64_t alignment);

}  // namespace kiln
