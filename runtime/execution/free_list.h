// FreeList: which byte ranges of a block are free; first fit, neighbours merge. Needs no device.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

namespace kiln {

class FreeList {
 public:
  explicit FreeList(std::uint64_t size_bytes);

  // Offset of `size_bytes` free bytes, a multiple of alignment; nothing when there are none.
  std::optional<std::uint64_t> take(std::uint64_t size_bytes, std::uint64_t alignment);
  // A range that take() gave.
  void give(std::uint64_t offset_bytes, std::uint64_t size_bytes);

  std::uint64_t free_bytes() const { return free_bytes_; }
  bool unused() const { return free_bytes_ == size_bytes_; }

 private:
  std::uint64_t size_bytes_, free_bytes_;
  std::map<std::uint64_t, std::uint64_t> ranges_;  // offset -> bytes
};

}  // namespace kiln
