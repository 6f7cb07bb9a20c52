// Halves start small and grow to what is asked of them, up to 32 MiB each.
#include "runtime/execution/staging.h"

#include <algorithm>
#include <cstring>

#include "runtime/base/align.h"

namespace kiln {
namespace {

constexpr std::uint64_t kSmallest = 1ull << 20, kLargest = 32ull << 20;
constexpr std::uint64_t kCopyAlignment = 16;

}  // namespace

Staging::Staging(Device& device, Timeline& timeline) : device_(device), timeline_(timeline) {}

void Staging::make(Half& half, std::uint64_t bytes, MemoryKind kind, std::string_view name) {
  if (half.buffer != nullptr && half.buffer->size_bytes() >= std::min(bytes, kLargest)) return;
  half.buffer.reset();
  half.buffer = std::make_unique<Buffer>(
      device_, std::clamp(align_up(bytes, kSmallest), kSmallest, kLargest), kind, name);
  if (half.pool == nullptr) {
    half.pool = std::make_unique<CommandPool>(device_, name);
    half.commands = half.pool->allocate();
  }
}

// The current half, recording, with room for at least one byte.
Commands& Staging::open(std::uint64_t wanted_bytes, std::string_view place) {
  if (recording_ != nullptr) {
    const Half& half = halves_[current_];
    if (half.used_bytes < half.buffer->size_bytes()) return *recording_;
    finish(place);
  }
  Half& half = halves_[current_];
  timeline_.wait(half.submitted);
  make(half, wanted_bytes, MemoryKind::upload, "staging up");
  half.used_bytes = 0;
  half.pool->reset();
  recording_ = std::make_unique<Commands>(device_, half.commands, "staging");
  recording_->copies_after_all();
  return *recording_;
}

void Staging::upload(const BufferRange& to, std::span<const std::byte> bytes,
                     std::string_view place) {
  std::uint64_t done = 0;
  while (done < bytes.size()) {
    Commands& commands = open(bytes.size() - done, place);
    Half& half = halves_[current_];
    const std::uint64_t count =
        std::min(bytes.size() - done, half.buffer->size_bytes() - half.used_bytes);
    std::memcpy(half.buffer->mapped() + half.used_bytes, bytes.data() + done, count);
    commands.copy(*half.buffer, half.used_bytes, *to.buffer, to.offset_bytes + done, count);
    half.used_bytes =
        std::min(align_up(half.used_bytes + count, kCopyAlignment), half.buffer->size_bytes());
    done += count;
  }
}

void Staging::finish(std::string_view place) {
  if (recording_ == nullptr) return;
  Half& half = halves_[current_];
  half.buffer->flush(0, half.used_bytes);
  // Recordings begin with a barrier after copies, so none is needed here.
  recording_->end();
  recording_.reset();
  half.submitted = timeline_.submit({&half.commands, 1}, place);
  current_ = 1 - current_;
}

void Staging::download(const BufferRange& from, std::span<std::byte> bytes,
                       std::string_view place) {
  make(down_, bytes.size(), MemoryKind::host_reads, "staging down");
  std::uint64_t done = 0;
  while (done < bytes.size()) {
    const std::uint64_t count = std::min(bytes.size() - done, down_.buffer->size_bytes());
    down_.pool->reset();
    Commands commands(device_, down_.commands, place);
    commands.copies_after_all();
    commands.copy(*from.buffer, from.offset_bytes + done, *down_.buffer, 0, count);
    commands.host_after_all();
    commands.end();
    timeline_.wait(timeline_.submit({&down_.commands, 1}, place));
    down_.buffer->invalidate(0, count);
    std::memcpy(bytes.data() + done, down_.buffer->mapped(), count);
    done += count;
  }
}

std::uint64_t Staging::allocated_bytes() const {
  std::uint64_t total = down_.buffer != nullptr ? down_.buffer->size_bytes() : 0;
  for (const Half& half : halves_) total += half.buffer != nullptr ? half.buffer->size_bytes() : 0;
  return total;
}

}  // namespace kiln
