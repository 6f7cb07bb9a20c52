// Weights that stay in host memory: which, and when each is copied into the arena. Pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "runtime/graph/dispatch.h"
#include "runtime/graph/lowering.h"
#include "runtime/graph/memory_plan.h"

namespace kiln {

// What compile() is asked for.
struct Streaming {
  static constexpr std::uint64_t kAll = ~0ull;
  std::uint64_t bytes = 0;  // weights of at least this many bytes in all, or as many as there are
  // Weights of consecutive dispatches are copied together, up to this many bytes, while the
  // dispatches before them run. 0: one dispatch's at a time, just before it, for the least memory.
  std::uint64_t segment_bytes = 32ull << 20;
};

// One stay of a streamed weight in the arena.
struct WeightStay {
  std::uint32_t weight = 0;           // index into the plan's weights
  std::uint32_t before = 0;           // the dispatch in front of which it is copied
  std::uint32_t first = 0, last = 0;  // dispatches that may read it
  bool awaited = false;               // as in Upload
};

// Marks weights as streamed: those first whose first dispatch finds the fewest bytes alive, since
// the arena has room then. Vectors such as biases stay on the device.
void choose_streamed(std::span<const Dispatch> dispatches, std::span<const Block> blocks,
                     std::uint64_t bytes, std::vector<PlannedWeight>& weights);

// Stays of all weights marked, in the order of their copies.
std::vector<WeightStay> plan_stays(std::span<const Dispatch> dispatches,
                                   std::span<const PlannedWeight> weights,
                                   std::uint64_t segment_bytes);

}  // namespace kiln
