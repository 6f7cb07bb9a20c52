// Workers take jobs while the bytes held stay within the limit.
#include "runtime/execution/packing_crew.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "runtime/base/error.h"
#include "runtime/execution/parallel.h"
#include "runtime/graph/packing.h"

namespace kiln {
namespace {

constexpr std::uint64_t kHeldLimit = 256ull << 20;

}  // namespace

PackingCrew::PackingCrew(std::vector<PackingJob> jobs) : jobs_(std::move(jobs)) {
  const std::size_t workers = std::min(worker_count(), jobs_.size());
  for (std::size_t t = 0; t < workers; ++t) threads_.emplace_back([this] { work(); });
}

PackingCrew::~PackingCrew() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  threads_.clear();
}

std::optional<std::size_t> PackingCrew::take_job() {
  std::unique_lock lock(mutex_);
  const auto size = [&] { return jobs_[next_job_].weight->size_bytes; };
  changed_.wait(lock, [&] {
    return stop_ || next_job_ == jobs_.size() || held_bytes_ == 0 ||
           held_bytes_ + size() <= kHeldLimit;
  });
  if (stop_ || next_job_ == jobs_.size()) return std::nullopt;
  held_bytes_ += size();
  return next_job_++;
}

PackingCrew::Packed PackingCrew::pack_one(const PackingJob& job, std::size_t index) {
  const PlannedWeight& weight = *job.weight;
  Packed packed{index, {}};
  if (job.target != nullptr && job.cached) {
    pack(*job.source, weight.packing, weight.element, {job.target, weight.size_bytes});
    return packed;
  }
  packed.bytes.resize(weight.size_bytes);
  pack(*job.source, weight.packing, weight.element, packed.bytes);
  if (job.target != nullptr) {  // uncached memory: whole, in order
    std::memcpy(job.target, packed.bytes.data(), packed.bytes.size());
    packed.bytes = {};
  }
  return packed;
}

void PackingCrew::work() {
  while (const auto index = take_job()) {
    Packed packed;
    std::exception_ptr failure;
    try {
      packed = pack_one(jobs_[*index], *index);
    } catch (const std::bad_alloc&) {
      failure = std::make_exception_ptr(
          Error(fmt::format("[{}] there is not enough host memory to pack its {} bytes",
                            jobs_[*index].source->name, jobs_[*index].weight->size_bytes)));
    } catch (...) {
      failure = std::current_exception();
    }
    {
      const std::lock_guard lock(mutex_);
      if (failure) {
        if (!failure_) failure_ = failure;
        stop_ = true;
      } else {
        packed_.push_back(std::move(packed));
      }
    }
    changed_.notify_all();
  }
}

std::optional<PackingCrew::Packed> PackingCrew::next() {
  std::unique_lock lock(mutex_);
  if (handed_over_ == jobs_.size()) return std::nullopt;
  changed_.wait(lock, [&] { return failure_ || !packed_.empty(); });
  if (failure_) std::rethrow_exception(failure_);
  Packed packed = std::move(packed_.front());
  packed_.pop_front();
  ++handed_over_;
  held_bytes_ -= jobs_[packed.job].weight->size_bytes;
  lock.unlock();
  changed_.notify_all();
  return packed;
}

}  // namespace kiln
