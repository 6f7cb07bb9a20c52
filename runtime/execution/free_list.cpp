// Free ranges kept in order of their offsets.
#include "runtime/execution/free_list.h"

#include <cassert>
#include <iterator>

#include "runtime/base/align.h"

namespace kiln {

FreeList::FreeList(std::uint64_t size_bytes) : size_bytes_(size_bytes), free_bytes_(size_bytes) {
  if (size_bytes > 0) ranges_[0] = size_bytes;
}

std::optional<std::uint64_t> FreeList::take(std::uint64_t size_bytes, std::uint64_t alignment) {
  for (auto range = ranges_.begin(); range != ranges_.end(); ++range) {
    const std::uint64_t begin = range->first, end = range->first + range->second;
    const std::uint64_t offset = align_up(begin, alignment);
    if (offset > end || end - offset < size_bytes) continue;
    ranges_.erase(range);
    if (offset > begin) ranges_[begin] = offset - begin;
    if (offset + size_bytes < end) ranges_[offset + size_bytes] = end - offset - size_bytes;
    free_bytes_ -= size_bytes;
    return offset;
  }
  return std::nullopt;
}

void FreeList::give(std::uint64_t offset_bytes, std::uint64_t size_bytes) {
  if (size_bytes == 0) return;
  auto [range, added] = ranges_.emplace(offset_bytes, size_bytes);
  assert(added);
  free_bytes_ += size_bytes;
  const auto next = std::next(range);
  if (next != ranges_.end() && range->first + range->second == next->first) {
    range->second += next->second;
    ranges_.erase(next);
  }
  if (range == ranges_.begin()) return;
  const auto previous = std::prev(range);
  if (previous->first + previous->second == range->first) {
    previous->second += range->second;
    ranges_.erase(range);
  }
}

}  // namespace kiln
