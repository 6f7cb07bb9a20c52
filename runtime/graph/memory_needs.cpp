// Sums over plans: each weight and each persistent tensor once, the largest arena.
#include "runtime/graph/memory_needs.h"

#include <set>
#include <string_view>
#include <utility>

#include "runtime/base/align.h"

namespace kiln {

MemoryNeeds memory_needs(std::span<const Plan* const> plans, std::uint64_t alignment) {
  MemoryNeeds needs;
  std::set<std::pair<std::string_view, bool>> weights;
  std::set<std::string_view> persistents;
  for (const Plan* plan : plans) {
    for (const PlannedWeight& weight : plan->weights) {
      if (!weights.emplace(weight.key, weight.streamed).second) continue;
      (weight.streamed ? needs.host_weight_bytes : needs.weight_bytes) +=
          align_up(weight.size_bytes, alignment);
    }
    for (const PlannedPersistent& tensor : plan->persistents) {
      if (!persistents.insert(tensor.name).second) continue;
      const bool on_host = tensor.traffic == Traffic::host_reads;
      (on_host ? needs.host_result_bytes : needs.persistent_bytes) +=
          align_up(tensor.size_bytes, alignment);
    }
    if (plan->arena_bytes < needs.arena_bytes) continue;
    needs.arena_bytes = plan->arena_bytes;
    needs.largest_stage = plan->name;
  }
  return needs;
}

}  // namespace kiln
