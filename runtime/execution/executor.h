// Executor: owns what stages share on one device: kernels, weights, memory and the timeline.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

#include "runtime/execution/kernel_replacement.h"
#include "runtime/execution/stage.h"
#include "runtime/graph/plan.h"

namespace kiln {

class Device;
class FrameCapture;
class KernelLibrary;
class Memory;
class Profile;
class Staging;
class Timeline;
class WeightStore;

// What was done since the Executor was made. A step of a loop must only add to the first four.
struct Counters {
  std::uint64_t submissions = 0;  // of stages: one call into the driver each
  std::uint64_t batches = 0;      // parts of them, cut by predicted work
  std::uint64_t dispatches = 0;
  std::uint64_t barriers = 0;
  std::uint64_t host_writes = 0, host_reads = 0;  // of persistent tensors
  std::uint64_t recordings = 0;                   // of stages into command buffers
  std::uint64_t weights_uploaded = 0, bytes_uploaded = 0;
};

// Bytes held, by use. Staging copies and host_weight_bytes (of streamed weights) are host memory.
struct MemoryReport {
  std::uint64_t weight_bytes = 0, arena_bytes = 0, persistent_bytes = 0, staging_bytes = 0;
  std::uint64_t host_weight_bytes = 0;
  std::uint32_t allocations = 0;  // device allocations behind all of them
  // Of the device's own memory, since it was opened: what planned_memory() foretells.
  std::uint64_t device_peak_bytes = 0;
  std::uint64_t total_bytes() const {
    return weight_bytes + arena_bytes + persistent_bytes + staging_bytes;
  }
};

// Called on the thread that calls prepare(), after each weight; may throw to stop the upload.
using UploadProgress = std::function<void(std::uint64_t done_bytes, std::uint64_t total_bytes)>;

// Not thread-safe. Stages must be gone before it is.
class Executor {
 public:
  // device: OpenDevice::device(); outlives the executor. profile: receives what stages do, and
  // decides what they measure; may be null. replace: modules in place of kernels; may be empty.
  explicit Executor(Device& device, std::shared_ptr<Profile> profile = nullptr,
                    KernelReplacement replace = {});
  ~Executor();
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  const DeviceProfile& profile() const;

  // Pipelines in the driver's own form, from one run to the next. kept: what pipelines_to_keep()
  // gave for the same driver version and these kernels; before the first prepare(). A driver may
  // ignore it.
  void use_kept_pipelines(std::span<const std::byte> kept);
  std::vector<std::byte> pipelines_to_keep() const;
  std::size_t pipelines() const;  // made so far

  // Uploads the weights the plan needs and the device lacks, makes its pipelines, gives memory to
  // its persistent tensors, and records it. Equal keys (name, packing, element) are one upload for
  // the life of the executor, so weights of two models need two executors or different names.
  // Throws Error naming what does not fit.
  std::unique_ptr<Stage> prepare(Plan plan, const StageOptions& options = {},
                                 const UploadProgress& progress = {});

  // Frees the weights that none of the plans names, and some of the others if that frees memory
  // (prepare() uploads them again). There must be no stages.
  void keep_weights_of(std::span<const Plan* const> plans);

  // Frees the arena; the next stage that is prepared or submitted makes it anew.
  void drop_arena();

  // Makes the arena at least this large. Growing it later makes earlier stages record themselves
  // again at their next submit; reserving the largest plan's arena_bytes first avoids that.
  void reserve_arena(std::uint64_t size_bytes);

  // Persistent tensors live as long as a stage that names them. bytes: exactly the tensor's
  // elements, or Error. Both wait for all work submitted before. Tensors no host traffic was
  // declared for go through a staging copy.
  void write(std::string_view name, std::span<const std::byte> bytes);
  void read(std::string_view name, std::span<std::byte> bytes);

  template <typename T>
  void write_values(std::string_view name, const std::vector<T>& values) {
    static_assert(std::is_trivially_copyable_v<T>);
    write(name, std::as_bytes(std::span(values)));
  }
  // All elements of a tensor; size_bytes(dtype) must be sizeof(T).
  template <typename T>
  std::vector<T> read_values(std::string_view name) {
    static_assert(std::is_trivially_copyable_v<T>);
    std::vector<T> values(elements(name));
    read(name, std::as_writable_bytes(std::span(values)));
    return values;
  }
  std::uint64_t elements(std::string_view name) const;

  // value: what Stage::submit returned.
  bool completed(std::uint64_t value);
  void wait(std::uint64_t value);
  void wait_idle();

  const Counters& counters() const { return counters_; }
  MemoryReport memory() const;

 private:
  friend class Stage;

  void begin_capture();
  // Waits for all work.
  void end_capture();

  Device& device_;
  std::shared_ptr<Profile> profile_;
  std::unique_ptr<FrameCapture> capture_;
  Counters counters_;
  std::unique_ptr<Timeline> timeline_;
  std::unique_ptr<Staging> staging_;
  std::unique_ptr<KernelLibrary> kernels_;
  std::unique_ptr<WeightStore> weights_;
  std::unique_ptr<Memory> memory_;
};

}  // namespace kiln
