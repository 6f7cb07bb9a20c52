// One walk over the dispatches, remembering the ranges touched since the last barrier.
#include "runtime/graph/barrier_plan.h"

#include <algorithm>

namespace kiln {
namespace {

bool overlap(const Range& a, const Range& b) {
  return a.space == b.space && a.index == b.index &&
         a.offset_bytes < b.offset_bytes + b.size_bytes &&
         b.offset_bytes < a.offset_bytes + a.size_bytes;
}

bool overlaps_any(const Range& range, const std::vector<Range>& others) {
  return std::any_of(others.begin(), others.end(),
                     [&](const Range& other) { return overlap(range, other); });
}

}  // namespace

std::uint32_t plan_barriers(std::vector<Dispatch>& dispatches) {
  std::vector<Range> read, written;
  std::uint32_t barriers = 0;
  for (Dispatch& dispatch : dispatches) {
    dispatch.barrier_before = false;
    for (std::size_t i = 0; i < dispatch.ranges.size(); ++i) {
      const Range& range = dispatch.ranges[i];
      const bool writes_here = writes(dispatch.kernel->operands[i]);
      if (overlaps_any(range, written) || (writes_here && overlaps_any(range, read))) {
        dispatch.barrier_before = true;
      }
    }
    if (dispatch.barrier_before) {
      read.clear();
      written.clear();
      ++barriers;
    }
    for (std::size_t i = 0; i < dispatch.ranges.size(); ++i) {
      if (dispatch.ranges[i].space == Space::weight) continue;  // weights are never written
      (writes(dispatch.kernel->operands[i]) ? written : read).push_back(dispatch.ranges[i]);
    }
  }
  return barriers;
}

}  // namespace kiln
