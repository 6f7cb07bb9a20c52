// PackingCrew: packs weights on several threads and hands them over one by one.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "runtime/graph/lowering.h"
#include "runtime/graph/weight_data.h"

namespace kiln {

struct PackingJob {
  const WeightData* source = nullptr;
  const PlannedWeight* weight = nullptr;
  std::byte* target = nullptr;  // where the packed bytes belong; null: hand them over instead
  bool cached = false;          // the target may be written in any order
};

// Keeps at most 256 MiB packed and not yet taken, or one weight if it is larger.
class PackingCrew {
 public:
  explicit PackingCrew(std::vector<PackingJob> jobs);
  // Stops after the weights in work.
  ~PackingCrew();

  struct Packed {
    std::size_t job = 0;
    std::vector<std::byte> bytes;  // empty when they went to the job's target
  };
  // Waits for the next one, in any order; nothing when all were handed over. Rethrows what reading
  // or packing threw.
  std::optional<Packed> next();

 private:
  void work();
  std::optional<std::size_t> take_job();
  static Packed pack_one(const PackingJob& job, std::size_t index);

  std::vector<PackingJob> jobs_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t next_job_ = 0, handed_over_ = 0;
  std::uint64_t held_bytes_ = 0;  // being packed, or packed and not yet taken
  std::deque<Packed> packed_;
  std::exception_ptr failure_;
  bool stop_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace kiln
