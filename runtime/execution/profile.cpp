// Ticks to microseconds, and the record of what ran.
#include "runtime/execution/profile.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "runtime/base/error.h"
#include "runtime/vulkan/device.h"
#include "runtime/vulkan/frame_capture.h"

namespace kiln {

DeviceClock::DeviceClock(const PhysicalDeviceInfo& device)
    : tick_ns_(device.timestamp_ns), bits_(device.timestamp_bits) {
  if (bits_ == 0) {
    fail("profile", "the compute queue of {} has no clock (timestampValidBits is 0)",
         device.profile.name);
  }
}

double DeviceClock::nanoseconds(std::uint64_t from, std::uint64_t to) const {
  // The sign of the difference is that of its highest valid bit.
  const std::uint32_t unused = bits_ >= 64 ? 0 : 64 - bits_;
  const std::int64_t ticks = std::int64_t((to - from) << unused) >> unused;
  return double(ticks) * tick_ns_;
}

void Profile::open(const PhysicalDeviceInfo& device) {
  if (device_ && device_->index != device.index) {
    fail("profile", "began on {} and cannot go on on {}", device_->profile.name,
         device.profile.name);
  }
  if (timing_ != Timing::none) clock_.emplace(device);
  device_ = device;
}

double Profile::now_us() const {
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start_)
      .count();
}

double Profile::device_to_host_us() const {
  double offset = -std::numeric_limits<double>::infinity();
  for (const ProfiledRun& run : runs_) {
    // Nothing runs before it was submitted; a submission that found the device idle ran at once.
    offset = std::max(offset, run.submitted_us - run.device.begin_us);
  }
  return runs_.empty() ? 0.0 : offset;
}

std::size_t Profile::add_stage(const Plan& plan) {
  ProfiledStage stage{plan.name, {}};
  const std::vector<DispatchBytes> bytes = dispatch_bytes(plan);
  for (std::size_t i = 0; i < plan.dispatches.size(); ++i) {
    const Dispatch& dispatch = plan.dispatches[i];
    const PlannedNode& node = plan.nodes.at(dispatch.node);
    stage.dispatches.push_back({node.path, node.op, node.shapes, std::string(dispatch.kernel->name),
                                dispatch.grid, dispatch.flops, bytes[i]});
  }
  stages_.push_back(std::move(stage));
  return stages_.size() - 1;
}

double Profile::device_us(std::uint64_t tick) {
  if (last_tick_) last_us_ += clock_->nanoseconds(*last_tick_, tick) * 1e-3;
  last_tick_ = tick;
  return last_us_;
}

void Profile::add_run(std::size_t stage, std::span<const std::uint64_t> ticks,
                      double submitted_us) {
  if (ticks.empty()) return;
  ProfiledRun run{.stage = stage, .device = {}, .dispatches = {}, .submitted_us = submitted_us};
  const double begin_us = device_us(ticks[0]);
  double before_us = begin_us;
  for (std::size_t i = 2; i < ticks.size(); i += 2) {
    // A device may look ahead and arrive early, but barriers keep it from beginning.
    const double arrival_us = std::max(device_us(ticks[i]), before_us);
    before_us = device_us(ticks[i + 1]);
    run.dispatches.push_back({arrival_us, before_us});
  }
  run.device = {begin_us, device_us(ticks[1])};
  // Stages hand over their last runs when they end, in any order.
  const auto place = std::upper_bound(
      runs_.begin(), runs_.end(), begin_us,
      [](double moment, const ProfiledRun& other) { return moment < other.device.begin_us; });
  runs_.insert(place, std::move(run));
}

void Profile::add_memory(const MemoryChange& change) {
  const std::lock_guard lock(memory_mutex_);
  memory_.push_back({now_us(), change.heap, change.change_bytes, change.heap_bytes, change.name});
}

void Profile::capture(std::string stage, std::uint32_t submission) {
  FrameCapture::require();
  capture_stage_ = std::move(stage);
  capture_submission_ = submission;
}

bool Profile::captures(std::string_view stage, std::uint32_t submission) const {
  return capture_submission_ == submission && capture_stage_ == stage;
}

}  // namespace kiln
