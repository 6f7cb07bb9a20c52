// Memory: one arena for the transients of all stages, and named persistent tensors.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/execution/block_pool.h"
#include "runtime/execution/staging.h"
#include "runtime/graph/plan.h"

namespace kiln {

struct PersistentTensor {
  PlannedPersistent planned;  // as the first plan that named it said
  BlockPool::Piece piece;

  std::uint64_t value_bytes() const { return planned.shape.elements() * size_bytes(planned.dtype); }
};

class Memory {
 public:
  Memory(Device& device, Timeline& timeline, Staging& staging);

  // The plan's persistent tensors, in its order: those that exist, and new ones. They live as long
  // as someone holds them. Throws Error when a name exists with another shape or type.
  std::vector<std::shared_ptr<PersistentTensor>> persistents(const Plan& plan);
  // Throws Error (wrong usage) when nothing holds such a tensor.
  PersistentTensor& find(std::string_view name) const;

  // bytes: the tensor's elements. Both wait for all work submitted before.
  void write(std::string_view name, std::span<const std::byte> bytes);
  void read(std::string_view name, std::span<std::byte> bytes);

  // Makes the arena at least this large; waits for all work before it replaces one. name: for the
  // error when memory is short.
  void reserve_arena(std::uint64_t size_bytes, std::string_view name);
  // After all work; stages record themselves again when they are submitted next.
  void drop_arena();
  // Null until something was reserved.
  const Buffer* arena() const { return arena_.get(); }
  // Changes whenever the arena is replaced.
  std::uint64_t arena_generation() const { return arena_generation_; }

  std::uint64_t persistent_bytes() const;

 private:
  BlockPool& pool_for(Traffic traffic);
  // The tensor of this name, or null. Throws Error when it has another shape or type.
  std::shared_ptr<PersistentTensor> existing(const PlannedPersistent& planned) const;
  PersistentTensor& find_sized(std::string_view name, std::uint64_t bytes) const;

  Device& device_;
  Timeline& timeline_;
  Staging& staging_;
  BlockPool device_only_, host_writes_, host_reads_;
  std::map<std::string, std::weak_ptr<PersistentTensor>, std::less<>> persistents_;
  std::unique_ptr<Buffer> arena_;
  std::uint64_t arena_generation_ = 0;
};

}  // namespace kiln
