// WeightStore: every weight once, packed as kernels read it, on the device or, if it is streamed,
// in host memory; outlives plans.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "runtime/execution/block_pool.h"
#include "runtime/execution/staging.h"
#include "runtime/graph/plan.h"

namespace kiln {

class WeightStore {
 public:
  WeightStore(Device& device, Timeline& timeline, Staging& staging);

  // Uploads the plan's weights that are not here yet. Packing runs on several threads; progress is
  // called on this one and may throw, which leaves the store as it was. Returns how many came.
  std::uint64_t ensure(
      const Plan& plan,
      const std::function<void(std::uint64_t done, std::uint64_t total)>& progress);

  // Frees the blocks that hold a weight which none of the plans names, with what else lies there:
  // a few left over must not hold a whole block. No stage may use weights any more.
  void keep_only(std::span<const Plan* const> plans);

  // Of a weight that ensure() has seen.
  const BufferRange& find(const PlannedWeight& weight) const {
    return weights_.at(key_of(weight)).range();
  }

  std::uint64_t allocated_bytes() const { return pool_.allocated_bytes(); }
  std::uint64_t host_bytes() const { return host_pool_.allocated_bytes(); }
  std::uint64_t uploaded_bytes() const { return uploaded_bytes_; }  // since the start

 private:
  struct Arrival {
    const PlannedWeight* weight;
    const WeightData* source;
    BlockPool::Piece piece;
  };
  using Key = std::pair<std::string, bool>;  // PlannedWeight::key and whether it is streamed
  static Key key_of(const PlannedWeight& weight) { return {weight.key, weight.streamed}; }
  std::vector<Arrival> place_missing(const Plan& plan);
  void upload(std::vector<Arrival>& arrivals,
              const std::function<void(std::uint64_t, std::uint64_t)>& progress);

  Device& device_;
  Timeline& timeline_;
  Staging& staging_;
  BlockPool pool_, host_pool_;
  std::map<Key, BlockPool::Piece> weights_;
  std::uint64_t uploaded_bytes_ = 0;
};

}  // namespace kiln
