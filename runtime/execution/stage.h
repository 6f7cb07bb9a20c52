// Stage: a plan on a device, recorded once and replayed.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/graph/plan.h"

namespace kiln {

class Executor;
class Program;
struct PersistentTensor;

// What a recording measures in the device's clock.
enum class Timing : std::uint8_t {
  none,
  submissions,  // the first and the last moment of each submission
  dispatches,   // and of each dispatch; those that might overlap then run one after the other
};

struct StageOptions {
  // Where the executor has a Profile, that one's timing holds.
  Timing timing = Timing::none;
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

  // Milliseconds of each dispatch in the last submission, which this waits for. Throws Error unless
  // the stage times its dispatches and was submitted.
  std::vector<double> dispatch_ms();

 private:
  static constexpr std::size_t kCopies = 2;  // recorded twice, used in turn

  void record();
  void collect(std::size_t copy);

  Executor& executor_;
  Plan plan_;
  StageOptions options_;
  std::string place_;  // "stage <name>"
  std::vector<std::shared_ptr<PersistentTensor>> persistents_;
  std::unique_ptr<Program> program_;
  std::uint64_t arena_generation_ = 0;
  std::array<std::uint64_t, kCopies> submitted_ = {};  // timeline value of each copy's last use
  std::size_t next_ = 0;
  // With a profile: this stage's number there, and when each copy was submitted unless collected.
  std::size_t profiled_ = 0;
  std::array<std::optional<double>, kCopies> submitted_us_ = {};
  std::uint32_t runs_ = 0;
};

}  // namespace kiln
