// Persistent tensors by name, and the arena.
#include "runtime/execution/memory.h"

#include <fmt/format.h>

#include <cstring>

#include "runtime/base/align.h"
#include "runtime/base/error.h"

namespace kiln {

Memory::Memory(Device& device, Timeline& timeline, Staging& staging)
    : device_(device),
      timeline_(timeline),
      staging_(staging),
      device_only_(device, MemoryKind::device, "persistent tensors"),
      host_writes_(device, MemoryKind::host_writes, "tensors the host writes"),
      host_reads_(device, MemoryKind::host_reads, "tensors the host reads") {}

BlockPool& Memory::pool_for(Traffic traffic) {
  switch (traffic) {
    case Traffic::host_writes:
      return host_writes_;
    case Traffic::host_reads:
      return host_reads_;
    case Traffic::device_only:
      break;
  }
  return device_only_;
}

std::vector<std::shared_ptr<PersistentTensor>> Memory::persistents(const Plan& plan) {
  std::uint64_t expected[3] = {};
  for (const PlannedPersistent& planned : plan.persistents) {
    expected[std::size_t(planned.traffic)] +=
        align_up(planned.size_bytes, device_only_.alignment());
  }
  std::vector<std::shared_ptr<PersistentTensor>> tensors;
  for (const PlannedPersistent& planned : plan.persistents) {
    tensors.push_back(persistent(planned, expected[std::size_t(planned.traffic)]));
  }
  return tensors;
}

std::shared_ptr<PersistentTensor> Memory::persistent(const PlannedPersistent& planned,
                                                     std::uint64_t expected_bytes) {
  std::weak_ptr<PersistentTensor>& entry = persistents_[planned.name];
  if (auto tensor = entry.lock()) {
    const PlannedPersistent& known = tensor->planned;
    if (known.shape != planned.shape || known.dtype != planned.dtype) {
      fail(planned.name, "is {} {} in this plan and {} {} in an earlier one",
           to_text(planned.shape), to_text(planned.dtype), to_text(known.shape),
           to_text(known.dtype));
    }
    return tensor;
  }
  auto tensor = std::make_shared<PersistentTensor>();
  tensor->planned = planned;
  tensor->piece = pool_for(planned.traffic).take(planned.size_bytes, expected_bytes, planned.name);
  entry = tensor;
  return tensor;
}

PersistentTensor& Memory::find(std::string_view name) const {
  const auto entry = persistents_.find(name);
  const auto tensor = entry == persistents_.end() ? nullptr : entry->second.lock();
  if (tensor == nullptr) fail_usage(name, "no stage has a persistent tensor of this name");
  return *tensor;
}

PersistentTensor& Memory::find_sized(std::string_view name, std::uint64_t bytes) const {
  PersistentTensor& tensor = find(name);
  if (bytes != tensor.value_bytes()) {
    fail_usage(name, "holds {} {}, which is {} bytes, not {}", to_text(tensor.planned.shape),
               to_text(tensor.planned.dtype), tensor.value_bytes(), bytes);
  }
  return tensor;
}

void Memory::write(std::string_view name, std::span<const std::byte> bytes) {
  const PersistentTensor& tensor = find_sized(name, bytes.size());
  const BufferRange& range = tensor.piece.range();
  if (tensor.piece.mapped() == nullptr) {
    staging_.upload(range, bytes, fmt::format("write of {}", name));
    staging_.finish(fmt::format("write of {}", name));
    return;
  }
  timeline_.wait_all();
  std::memcpy(tensor.piece.mapped(), bytes.data(), bytes.size());
  range.buffer->flush(range.offset_bytes, bytes.size());
}

void Memory::read(std::string_view name, std::span<std::byte> bytes) {
  const PersistentTensor& tensor = find_sized(name, bytes.size());
  const BufferRange& range = tensor.piece.range();
  if (tensor.piece.mapped() == nullptr) {
    staging_.download(range, bytes, fmt::format("read of {}", name));
    return;
  }
  timeline_.wait_all();
  range.buffer->invalidate(range.offset_bytes, bytes.size());
  std::memcpy(bytes.data(), tensor.piece.mapped(), bytes.size());
}

void Memory::reserve_arena(std::uint64_t size_bytes, std::string_view name) {
  if (size_bytes == 0 || (arena_ != nullptr && arena_->size_bytes() >= size_bytes)) return;
  timeline_.wait_all();
  arena_.reset();
  ++arena_generation_;
  arena_ = std::make_unique<Buffer>(device_, size_bytes, MemoryKind::device, name);
}

std::uint64_t Memory::persistent_bytes() const {
  return device_only_.allocated_bytes() + host_writes_.allocated_bytes() +
         host_reads_.allocated_bytes();
}

}  // namespace kiln
