// WeightStore: every weight on the device once, packed as kernels read it; outlives plans.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
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

  // Of a weight that ensure() has seen.
  const BufferRange& find(const std::string& key) const { return weights_.at(key).range(); }

  std::uint64_t allocated_bytes() const { return pool_.allocated_bytes(); }
  std::uint64_t uploaded_bytes() const { return uploaded_bytes_; }  // since the start

 private:
  struct Arrival {
    const PlannedWeight* weight;
    const WeightData* source;
    BlockPool::Piece piece;
  };
  std::vector<Arrival> place_missing(const Plan& plan);
  void upload(std::vector<Arrival>& arrivals,
              const std::function<void(std::uint64_t, std::uint64_t)>& progress);

  Device& device_;
  Timeline& timeline_;
  Staging& staging_;
  BlockPool pool_;
  std::map<std::string, BlockPool::Piece> weights_;  // by PlannedWeight::key
  std::uint64_t uploaded_bytes_ = 0;
};

}  // namespace kiln
