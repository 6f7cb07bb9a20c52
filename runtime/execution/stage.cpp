// Replay: two recordings used in turn, made again only when the arena was replaced.
#include "runtime/execution/stage.h"

#include <algorithm>
#include <utility>

#include "runtime/base/error.h"
#include "runtime/execution/executor.h"
#include "runtime/execution/memory.h"
#include "runtime/execution/profile.h"
#include "runtime/execution/program.h"
#include "runtime/execution/weight_store.h"

namespace kiln {

Stage::Stage(Executor& executor, Plan plan, const StageOptions& options,
             std::vector<std::shared_ptr<PersistentTensor>> persistents)
    : executor_(executor),
      plan_(std::move(plan)),
      options_(options),
      place_(fmt::format("stage {}", plan_.name)),
      persistents_(std::move(persistents)) {
  if (executor_.profile_ != nullptr) profiled_ = executor_.profile_->add_stage(plan_);
  record();
}

Stage::~Stage() {
  try {
    // Everything, since a copy of one of its tensors may be under way, too.
    executor_.timeline_->wait_all();
    for (std::size_t copy = 0; copy < kCopies; ++copy) collect(copy);
  } catch (const Error&) {
    // The device was lost: nothing runs on it any more.
  }
}

void Stage::record() {
  Memory& memory = *executor_.memory_;
  memory.reserve_arena(plan_.arena_bytes, fmt::format("arena of {}", place_));
  executor_.timeline_->wait(*std::max_element(submitted_.begin(), submitted_.end()));
  const auto resolve = [&](const Range& range) -> BufferRange {
    switch (range.space) {
      case Space::persistent: {
        const BufferRange& base = persistents_.at(range.index)->piece.range();
        return {base.buffer, base.offset_bytes + range.offset_bytes, range.size_bytes};
      }
      case Space::weight: {
        const BufferRange& base = executor_.weights_->find(plan_.weights.at(range.index));
        return {base.buffer, base.offset_bytes + range.offset_bytes, range.size_bytes};
      }
      case Space::arena:
        break;
    }
    if (memory.arena() == nullptr) fail(place_, "the plan uses an arena but asks for none");
    return {memory.arena(), range.offset_bytes, range.size_bytes};
  };
  const bool host_reads =
      std::any_of(persistents_.begin(), persistents_.end(),
                  [](const auto& tensor) { return tensor->piece.mapped() != nullptr; });
  for (std::size_t copy = 0; copy < kCopies; ++copy) collect(copy);
  Profile* profile = executor_.profile_.get();
  const Timing timing = profile != nullptr ? profile->timing() : options_.timing;
  program_.reset();
  program_ = std::make_unique<Program>(executor_.device_, *executor_.kernels_, plan_, resolve,
                                       ProgramOptions{kCopies, timing, host_reads});
  arena_generation_ = memory.arena_generation();
  ++executor_.counters_.recordings;
}

// Hands the times of a completed copy to the profile, once.
void Stage::collect(std::size_t copy) {
  if (!submitted_us_[copy]) return;
  executor_.profile_->add_run(profiled_, program_->ticks(copy), *submitted_us_[copy]);
  submitted_us_[copy].reset();
}

std::uint64_t Stage::submit() {
  if (plan_.arena_bytes > 0 && arena_generation_ != executor_.memory_->arena_generation()) record();
  Timeline& timeline = *executor_.timeline_;
  timeline.wait(submitted_[next_]);
  collect(next_);
  Profile* profile = executor_.profile_.get();
  const bool captured = profile != nullptr && profile->captures(plan_.name, runs_);
  if (captured) executor_.begin_capture();
  if (profile != nullptr) submitted_us_[next_] = profile->now_us();
  const auto batches = program_->batches(next_);
  submitted_[next_] = timeline.submit(batches, place_);
  ++runs_;
  if (captured) executor_.end_capture();
  Counters& counters = executor_.counters_;
  ++counters.submissions;
  counters.batches += batches.size();
  counters.dispatches += plan_.dispatches.size();
  counters.barriers += program_->barriers();
  return submitted_[std::exchange(next_, (next_ + 1) % kCopies)];
}

std::vector<double> Stage::dispatch_ms() {
  if (program_->timing() != Timing::dispatches) fail(place_, "does not time its dispatches");
  const std::size_t last = (next_ + kCopies - 1) % kCopies;
  if (submitted_[last] == 0) fail(place_, "was never submitted");
  executor_.timeline_->wait(submitted_[last]);
  const DeviceClock clock(executor_.device_.info());
  const std::vector<std::uint64_t> ticks = program_->ticks(last);
  std::vector<double> times;
  for (std::size_t i = 2; i < ticks.size(); i += 2) {
    times.push_back(clock.nanoseconds(ticks[i], ticks[i + 1]) * 1e-6);
  }
  return times;
}

}  // namespace kiln
