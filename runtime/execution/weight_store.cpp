// Weights are written straight into device memory where the host can, else through staging.
#include "runtime/execution/weight_store.h"

#include <algorithm>
#include <set>
#include <utility>

#include "runtime/base/align.h"
#include "runtime/base/error.h"
#include "runtime/execution/packing_crew.h"

namespace kiln {

WeightStore::WeightStore(Device& device, Timeline& timeline, Staging& staging)
    : device_(device),
      timeline_(timeline),
      staging_(staging),
      pool_(device, writes_directly(device.info()) ? MemoryKind::device_mapped : MemoryKind::device,
            "weights") {}

std::vector<WeightStore::Arrival> WeightStore::place_missing(const Plan& plan) {
  std::set<std::string_view> seen;
  std::vector<Arrival> arrivals;
  std::uint64_t expected = 0;
  for (const PlannedWeight& weight : plan.weights) {
    if (weights_.contains(weight.key) || !seen.insert(weight.key).second) continue;
    arrivals.push_back({&weight, &plan.sources.at(weight.source), {}});
    expected += align_up(weight.size_bytes, pool_.alignment());
  }
  // Large ones first: blocks fill better, and the last worker is not left with the largest.
  std::stable_sort(arrivals.begin(), arrivals.end(), [](const Arrival& a, const Arrival& b) {
    return a.weight->size_bytes > b.weight->size_bytes;
  });
  for (Arrival& arrival : arrivals) {
    arrival.piece = pool_.take(arrival.weight->size_bytes, expected, arrival.source->name);
    expected -= align_up(arrival.weight->size_bytes, pool_.alignment());
  }
  return arrivals;
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
    weights_.emplace(arrival.weight->key, std::move(arrival.piece));
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
