// Profile: what a run did on a device, dispatch by dispatch, in the device's own clock.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/execution/stage.h"
#include "runtime/graph/traffic.h"
#include "runtime/vulkan/device_list.h"

namespace kiln {

struct MemoryChange;

// Ticks of a queue's timestamps: how long one is, and how many of its bits count.
class DeviceClock {
 public:
  // Throws Error when the device's queue has no clock.
  explicit DeviceClock(const PhysicalDeviceInfo& device);
  // From one moment to another; negative if `to` is the earlier one. Counters wrap, so the two must
  // lie less than half a turn of the counter apart.
  double nanoseconds(std::uint64_t from, std::uint64_t to) const;

 private:
  double tick_ns_;
  std::uint32_t bits_;
};

// Microseconds since a profile's first moment on the device.
struct Span {
  double begin_us = 0, end_us = 0;
  double us() const { return end_us - begin_us; }
};

struct ProfiledDispatch {
  std::string path, op, shapes, kernel;  // as in the plan
  Grid grid;
  std::uint64_t flops = 0;  // of products and attention; other kernels count none
  DispatchBytes bytes;
};

struct ProfiledStage {
  std::string name;
  std::vector<ProfiledDispatch> dispatches;
};

// One submission of a stage.
struct ProfiledRun {
  std::size_t stage = 0;         // index into Profile::stages()
  Span device;                   // from its first command to its last
  std::vector<Span> dispatches;  // one each; empty with Timing::submissions
  double submitted_us = 0;       // on the host, see Profile::now_us()
};

struct ProfiledMemory {
  double time_us = 0;  // on the host
  std::uint32_t heap = 0;
  std::int64_t change_bytes = 0;
  std::uint64_t heap_bytes = 0;  // held afterwards
  std::string name;              // of the buffer
};

// Filled by the Executor it is given to, and complete once that one's stages are gone. A profile
// serves one device; executors may follow each other.
class Profile {
 public:
  explicit Profile(Timing timing) : timing_(timing) {}

  Timing timing() const { return timing_; }
  // In the order they were made; a name may come several times, for several sizes.
  const std::vector<ProfiledStage>& stages() const { return stages_; }
  // In the order in which they ran.
  const std::vector<ProfiledRun>& runs() const { return runs_; }
  const std::vector<ProfiledMemory>& memory() const { return memory_; }
  // Empty until an executor was made.
  const std::optional<PhysicalDeviceInfo>& device() const { return device_; }
  // Microseconds since the profile was made, on the host.
  double now_us() const;
  // What to add to a device time to get the host's. Exact to the shortest delay between a
  // submission and its first command.
  double device_to_host_us() const;

  // Asks RenderDoc, if the program runs under it, to capture one submission (0: the first) of a
  // stage; the capture is complete when that submission is. Throws Error if RenderDoc is not there.
  void capture(std::string stage, std::uint32_t submission);
  bool captures(std::string_view stage, std::uint32_t submission) const;
  // Where RenderDoc wrote it; empty until then.
  const std::string& captured_file() const { return captured_file_; }

  // --- For the executor ---
  // Throws Error when the device has no clock but one is needed, or is not the device before.
  void open(const PhysicalDeviceInfo& device);
  std::size_t add_stage(const Plan& plan);
  // ticks: what Program::ticks() gave.
  void add_run(std::size_t stage, std::span<const std::uint64_t> ticks, double submitted_us);
  void add_memory(const MemoryChange& change);
  void set_captured_file(std::string file) { captured_file_ = std::move(file); }

 private:
  double device_us(std::uint64_t tick);

  Timing timing_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::optional<PhysicalDeviceInfo> device_;
  std::optional<DeviceClock> clock_;
  std::optional<std::uint64_t> last_tick_;
  double last_us_ = 0;
  std::vector<ProfiledStage> stages_;
  std::vector<ProfiledRun> runs_;
  std::mutex memory_mutex_;
  std::vector<ProfiledMemory> memory_;
  std::string capture_stage_, captured_file_;
  std::optional<std::uint32_t> capture_submission_;
};

}  // namespace kiln
