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

// What was touched and is not yet behind a barrier.
struct Pending {
  std::vector<Range> read, written;  // by kernels
  std::vector<Range> copied;         // by uploads

  void clear_kernels() {
    read.clear();
    written.clear();
  }
};

void set_barrier(Dispatch& dispatch, const Pending& pending, bool uploads_here) {
  dispatch.after_copies = uploads_here;
  dispatch.barrier_before = uploads_here;
  for (std::size_t i = 0; i < dispatch.ranges.size(); ++i) {
    const Range& range = dispatch.ranges[i];
    const bool writes_here = writes(dispatch.kernel->operands[i]);
    if (overlaps_any(range, pending.copied)) dispatch.after_copies = true;
    if (dispatch.after_copies || overlaps_any(range, pending.written) ||
        (writes_here && overlaps_any(range, pending.read))) {
      dispatch.barrier_before = true;
    }
  }
}

}  // namespace

std::uint32_t plan_barriers(std::vector<Dispatch>& dispatches, std::span<const Upload> uploads) {
  Pending pending;
  std::uint32_t barriers = 0;
  std::size_t next = 0;
  for (std::size_t d = 0; d < dispatches.size(); ++d) {
    Dispatch& dispatch = dispatches[d];
    set_barrier(dispatch, pending, next < uploads.size() && uploads[next].before == d);
    if (dispatch.barrier_before) {
      pending.clear_kernels();
      ++barriers;
    }
    if (dispatch.after_copies) pending.copied.clear();
    for (; next < uploads.size() && uploads[next].before == d; ++next) {
      if (!uploads[next].awaited) pending.copied.push_back(uploads[next].to);
    }
    for (std::size_t i = 0; i < dispatch.ranges.size(); ++i) {
      if (dispatch.ranges[i].space == Space::weight) continue;  // weights are never written
      (writes(dispatch.kernel->operands[i]) ? pending.written : pending.read)
          .push_back(dispatch.ranges[i]);
    }
  }
  return barriers;
}

}  // namespace kiln
