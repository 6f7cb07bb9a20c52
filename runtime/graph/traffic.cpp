// Bytes from operands: each distinct range once, shared among the bands of one operation.
#include "runtime/graph/traffic.h"

#include <algorithm>

namespace kiln {
namespace {

DispatchBytes bytes_of(const Dispatch& dispatch) {
  std::vector<Range> read, written;
  DispatchBytes bytes;
  const auto count = [](std::vector<Range>& known, const Range& range, std::uint64_t& total) {
    if (std::find(known.begin(), known.end(), range) != known.end()) return;
    known.push_back(range);
    total += range.size_bytes;
  };
  for (std::size_t i = 0; i < dispatch.ranges.size(); ++i) {
    const Access access = dispatch.kernel->operands[i];
    if (access != Access::write) count(read, dispatch.ranges[i], bytes.read);
    if (access != Access::read) count(written, dispatch.ranges[i], bytes.written);
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
