// The choice of streamed weights, and the segments of dispatches whose weights are copied together.
#include "runtime/graph/streaming.h"

#include <algorithm>
#include <map>

namespace kiln {
namespace {

// Smaller weights are many, need few bytes, and would each cost a copy.
constexpr std::uint64_t kSmallest = 16 << 10;

std::vector<std::uint64_t> bytes_alive(std::size_t dispatches, std::span<const Block> blocks) {
  std::vector<std::uint64_t> alive(dispatches + 1, 0);
  for (const Block& block : blocks) {
    alive[block.first] += block.size_bytes;
    alive[block.last + 1] -= block.size_bytes;  // wraps, and back when summed
  }
  for (std::size_t d = 1; d < alive.size(); ++d) alive[d] += alive[d - 1];
  return alive;
}

// Dispatches [first, end) and the weights they share, each with its last reader.
struct Segment {
  std::uint32_t first = 0;
  std::map<std::uint32_t, std::uint32_t> last_use{};  // by weight
  std::uint64_t bytes = 0;
};

}  // namespace

void choose_streamed(std::span<const Dispatch> dispatches, std::span<const Block> blocks,
                     std::uint64_t bytes, std::vector<PlannedWeight>& weights) {
  if (bytes == 0) return;
  const std::vector<std::uint64_t> alive = bytes_alive(dispatches.size(), blocks);
  std::vector<std::uint64_t> at_use(weights.size(), 0);
  for (std::size_t d = 0; d < dispatches.size(); ++d) {
    for (const Operand& operand : dispatches[d].operands) {
      if (operand.kind != Operand::Kind::weight) continue;
      at_use[operand.index] = std::max(at_use[operand.index], alive[d]);
    }
  }
  std::vector<std::uint32_t> order;
  for (std::uint32_t i = 0; i < weights.size(); ++i) {
    if (weights[i].size_bytes >= kSmallest) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return at_use[a] < at_use[b]; });
  std::uint64_t chosen = 0;
  for (const std::uint32_t i : order) {
    if (chosen >= bytes) return;
    weights[i].streamed = true;
    chosen += weights[i].size_bytes;
  }
}

std::vector<WeightStay> plan_stays(std::span<const Dispatch> dispatches,
                                   std::span<const PlannedWeight> weights,
                                   std::uint64_t segment_bytes) {
  std::vector<Segment> segments;
  for (std::uint32_t d = 0; d < dispatches.size(); ++d) {
    for (const Operand& operand : dispatches[d].operands) {
      if (operand.kind != Operand::Kind::weight || !weights[operand.index].streamed) continue;
      const std::uint64_t bytes = weights[operand.index].size_bytes;
      const bool known = !segments.empty() && segments.back().last_use.contains(operand.index);
      if (!known && (segments.empty() || segments.back().bytes + bytes > segment_bytes) &&
          (segments.empty() || segments.back().first != d)) {
        segments.push_back({.first = d});
      }
      if (!known) segments.back().bytes += bytes;
      segments.back().last_use[operand.index] = d;
    }
  }
  std::vector<WeightStay> stays;
  for (std::size_t s = 0; s < segments.size(); ++s) {
    const bool ahead = segment_bytes > 0 && s > 0;
    for (const auto& [weight, last] : segments[s].last_use) {
      stays.push_back({.weight = weight,
                       .before = segments[ahead ? s - 1 : s].first,
                       .first = segments[s].first,
                       .last = last,
                       .awaited = !ahead});
    }
  }
  return stays;
}

}  // namespace kiln
