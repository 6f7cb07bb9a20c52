// Persistent tensors by name, and the arena.
#include "runtime/execution/memory.h"

#include <fmt/format.h>

#include <cstring>

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
  std::vector<std::shared_ptr<PersistentTensor>> tensors, made[3];
  std::vector<BlockPool::Wanted> wanted[3];
  for (const PlannedPersistent& planned : plan.persistents) {
    tensors.push_back(existing(planned));
    if (tensors.back() != nullptr) continue;
    const auto traffic = std::size_t(planned.traffic);
    tensors.back() = std::make_shared<PersistentTensor>();
    tensors.back()->planned = planned;
    persistents_[planned.name] = tensors.back();
    made[traffic].push_back(tensors.back());
    wanted[traffic].push_back({planned.size_bytes, planned.name});
  }
  for (const Traffic traffic : {Traffic::device_only, Traffic::host_writes, Traffic::host_reads}) {
    auto pieces = pool_for(traffic).take(wanted[std::size_t(traffic)]);
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      made[std::size_t(traffic)][i]->piece = std::move(pieces[i]);
    }
  }
  return tensors;
}

std::shared_ptr<PersistentTensor> Memory::existing(const PlannedPersistent& planned) const {
  const auto entry = persistents_.find(planned.name);
  auto tensor = entry == persistents_.end() ? nullptr : entry->second.lock();
  if (tensor == nullptr) return nullptr;
  const PlannedPersistent& known = tensor->planned;
  if (known.shape != planned.shape || known.dtype != planned.dtype) {
    fail(planned.name, "is {} {} in this plan and {} {} in an earlier one", to_text(planned.shape),
         to_text(planned.dtype), to_text(known.shape), to_text(known.dtype));
  }
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

void Memory::drop_arena() {
  timeline_.wait_all();
  arena_.reset();
  ++arena_generation_;
}

std::uint64_t Memory::persistent_bytes() const {
  return device_only_.allocated_bytes() + host_writes_.allocated_bytes() +
         host_reads_.allocated_bytes();
}

}  // namespace kiln
