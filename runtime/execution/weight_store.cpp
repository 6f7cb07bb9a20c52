// Weights are written straight into device memory where the host can, else through staging.
#include "runtime/execution/weight_store.h"

#include <algorithm>
#include <set>
#include <utility>

#include "runtime/base/error.h"
#include "runtime/execution/packing_crew.h"

namespace kiln {

WeightStore::WeightStore(Device& device, Timeline& timeline, Staging& staging)
    : device_(device),
      timeline_(timeline),
      staging_(staging),
      pool_(device, writes_directly(device.info()) ? MemoryKind::device_mapped : MemoryKind::device,
            "weights"),
      host_pool_(device, MemoryKind::upload, "weights in host memory") {}

std::vector<WeightStore::Arrival> WeightStore::place_missing(const Plan& plan) {
  std::set<Key> seen;
  std::vector<Arrival> arrivals;
  for (const PlannedWeight& weight : plan.weights) {
    if (weights_.contains(key_of(weight)) || !seen.insert(key_of(weight)).second) continue;
    arrivals.push_back({&weight, &plan.sources.at(weight.source), {}});
  }
  // Large ones first: blocks fill better, and the last worker is not left with the largest.
  std::stable_sort(arrivals.begin(), arrivals.end(), [](const Arrival& a, const Arrival& b) {
    return a.weight->size_bytes > b.weight->size_bytes;
  });
  for (BlockPool* pool : {&pool_, &host_pool_}) {
    std::vector<BlockPool::Wanted> wanted;
    std::vector<Arrival*> owners;
    for (Arrival& arrival : arrivals) {
      if (arrival.weight->streamed != (pool == &host_pool_)) continue;
      wanted.push_back({arrival.weight->size_bytes, arrival.source->name});
      owners.push_back(&arrival);
    }
    auto pieces = pool->take(wanted);
    for (std::size_t i = 0; i < pieces.size(); ++i) owners[i]->piece = std::move(pieces[i]);
  }
  return arrivals;
}

void WeightStore::keep_only(std::span<const Plan* const> plans) {
  std::set<Key> wanted;
  for (const Plan* plan : plans) {
    for (const PlannedWeight& weight : plan->weights) wanted.insert(key_of(weight));
  }
  std::set<const Buffer*> leaving;
  for (const auto& [key, piece] : weights_) {
    if (!wanted.contains(key)) leaving.insert(&piece.buffer());
  }
  timeline_.wait_all();
  std::erase_if(weights_,
                [&](const auto& entry) { return leaving.contains(&entry.second.buffer()); });
}

std::uint64_t WeightStore::ensure(
    const Plan& plan, const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
  std::vector<Arrival> arrivals = place_missing(plan);
  if (arrivals.empty()) return 0;
  try {
    upload(arrivals, progress);
    staging_.finish("weights");
  } catch (...) {
    // The copies under way name memory that is about to go.
    staging_.finish("weights");
    timeline_.wait_all();
    throw;
  }
  for (Arrival& arrival : arrivals) {
    uploaded_bytes_ += arrival.weight->size_bytes;
    weights_.emplace(key_of(*arrival.weight), std::move(arrival.piece));
  }
  return arrivals.size();
}

void WeightStore::upload(std::vector<Arrival>& arrivals,
                         const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
  std::vector<PackingJob> jobs;
  std::uint64_t done = 0, total = 0;
  for (const Arrival& arrival : arrivals) {
    jobs.push_back({arrival.source, arrival.weight, arrival.piece.mapped(),
                    arrival.piece.buffer().host_cached()});
    total += arrival.weight->size_bytes;
  }
  PackingCrew crew(std::move(jobs));
  while (auto packed = crew.next()) {
    const Arrival& arrival = arrivals[packed->job];
    const BufferRange& range = arrival.piece.range();
    if (arrival.piece.mapped() != nullptr) {
      range.buffer->flush(range.offset_bytes, arrival.weight->size_bytes);
    } else {
      staging_.upload(range, packed->bytes, "weights");
    }
    done += arrival.weight->size_bytes;
    if (progress) progress(done, total);
  }
}

}  // namespace kiln
