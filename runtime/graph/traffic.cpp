// Bytes from operands: each distinct range once, shared among the bands of one operation.
#include "runtime/graph/traffic.h"

#include <algorithm>

namespace kiln {
namespace {

std::uint64_t touched_bytes(const Dispatch& dispatch, std::size_t operand) {
  const std::uint64_t whole = dispatch.ranges[operand].size_bytes;
  const std::uint64_t part = dispatch.operands[operand].touched_bytes;
  return part == 0 ? whole : std::min(part, whole);
}

DispatchBytes bytes_of(const Dispatch& dispatch) {
  std::vector<Range> read, written;
  DispatchBytes bytes;
  const auto count = [](std::vector<Range>& known, const Range& range, std::uint64_t touched,
                        std::uint64_t& total) {
    if (std::find(known.begin(), known.end(), range) != known.end()) return;
    known.push_back(range);
    total += touched;
  };
  for (std::size_t i = 0; i < dispatch.ranges.size(); ++i) {
    const Access access = dispatch.kernel->operands[i];
    const std::uint64_t touched = touched_bytes(dispatch, i);
    if (access != Access::write) count(read, dispatch.ranges[i], touched, bytes.read);
    if (access != Access::read) count(written, dispatch.ranges[i], touched, bytes.written);
  }
  return bytes;
}

std::uint64_t workgroups(const Dispatch& dispatch) {
  return std::uint64_t(dispatch.grid.x) * dispatch.grid.y * dispatch.grid.z;
}

bool same_band(const Dispatch& a, const Dispatch& b) {
  return a.node == b.node && a.kernel == b.kernel && a.ranges == b.ranges;
}

std::uint64_t share(std::uint64_t bytes, std::uint64_t part, std::uint64_t whole) {
  return std::uint64_t(double(bytes) * double(part) / double(whole));
}

}  // namespace

std::vector<DispatchBytes> dispatch_bytes(const Plan& plan) {
  std::vector<DispatchBytes> all;
  const std::vector<Dispatch>& dispatches = plan.dispatches;
  for (std::size_t first = 0; first < dispatches.size();) {
    std::size_t end = first;
    std::uint64_t whole = 0;
    for (; end < dispatches.size() && same_band(dispatches[first], dispatches[end]); ++end) {
      whole += workgroups(dispatches[end]);
    }
    const DispatchBytes bytes = bytes_of(dispatches[first]);
    DispatchBytes left = bytes;  // the last band takes what rounding leaves
    for (; first < end; ++first) {
      const std::uint64_t part = workgroups(dispatches[first]);
      DispatchBytes mine{share(bytes.read, part, whole), share(bytes.written, part, whole)};
      if (first + 1 == end) mine = left;
      left.read -= mine.read;
      left.written -= mine.written;
      all.push_back(mine);
    }
  }
  return all;
}

}  // namespace kiln
