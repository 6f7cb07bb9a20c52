// Stage: a plan on a device, recorded once and replayed.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "runtime/graph/plan.h"

namespace kiln {

class Executor;
class Program;
struct PersistentTensor;

struct StageOptions {
  bool timed = false;  // writes a timestamp after every dispatch, for dispatch_ms()
};

// Made by Executor::prepare. Waits for its own work when destroyed.
class Stage {
 public:
  Stage(Executor& executor, Plan plan, const StageOptions& options,
        std::vector<std::shared_ptr<PersistentTensor>> persistents);
  ~Stage();
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  // Runs the plan after everything submitted before. Returns the timeline value reached when it has
  // completed. At most two submissions of a stage are in flight: a third waits for the first.
  // Throws Error naming the stage when the device is lost.
  std::uint64_t submit();

  const Plan& plan() const { return plan_; }
  const std::string& name() const { return plan_.name; }

  // Milliseconds of each dispatch in the last submission, which this waits for. Dispatches that may
  // overlap share their time. Throws Error unless the stage is timed and was submitted.
  std::vector<double> dispatch_ms();

 private:
  static constexpr std::size_t kCopies = 2;  // recorded twice, used in turn

  void record();

  Executor& executor_;
  Plan plan_;
  StageOptions options_;
  std::string place_;  // "stage <name>"
  std::vector<std::shared_ptr<PersistentTensor>> persistents_;
  std::unique_ptr<Program> program_;
  std::uint64_t arena_generation_ = 0;
  std::array<std::uint64_t, kCopies> submitted_ = {};  // timeline value of each copy's last use
  std::size_t next_ = 0;
};

}  // namespace kiln
