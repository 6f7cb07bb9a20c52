// Puts the parts together: weights, pipelines and memory before a stage is recorded.
#include "runtime/execution/executor.h"

#include <utility>

#include "runtime/execution/kernel_library.h"
#include "runtime/execution/memory.h"
#include "runtime/execution/profile.h"
#include "runtime/execution/weight_store.h"
#include "runtime/vulkan/frame_capture.h"
#include "runtime/vulkan/timeline.h"

namespace kiln {

Executor::Executor(Device& device, std::shared_ptr<Profile> profile, KernelReplacement replace)
    : device_(device),
      profile_(std::move(profile)),
      timeline_(std::make_unique<Timeline>(device)),
      staging_(std::make_unique<Staging>(device, *timeline_)),
      kernels_(std::make_unique<KernelLibrary>(device, std::move(replace))),
      weights_(std::make_unique<WeightStore>(device, *timeline_, *staging_)),
      memory_(std::make_unique<Memory>(device, *timeline_, *staging_)) {
  if (profile_ == nullptr) return;
  profile_->open(device.info());
  device_.watch_memory(
      [record = profile_](const MemoryChange& change) { record->add_memory(change); });
}

Executor::~Executor() {
  try {
    wait_idle();
  } catch (const std::exception&) {
    // The device was lost: nothing runs on it any more.
  }
}

void Executor::begin_capture() {
  wait_idle();
  capture_ = std::make_unique<FrameCapture>(device_);
  capture_->begin();
}

void Executor::end_capture() {
  wait_idle();
  profile_->set_captured_file(capture_->end());
  capture_.reset();
}

void Executor::use_kept_pipelines(std::span<const std::byte> kept) {
  kernels_->use_kept_pipelines(kept);
}

std::vector<std::byte> Executor::pipelines_to_keep() const { return kernels_->pipelines_to_keep(); }

std::size_t Executor::pipelines() const { return kernels_->pipelines(); }

const DeviceProfile& Executor::profile() const { return device_.profile(); }

std::unique_ptr<Stage> Executor::prepare(Plan plan, const StageOptions& options,
                                         const UploadProgress& progress) {
  kernels_->prepare(plan.dispatches);
  auto persistents = memory_->persistents(plan);
  counters_.weights_uploaded += weights_->ensure(plan, progress);
  counters_.bytes_uploaded = weights_->uploaded_bytes();
  return std::make_unique<Stage>(*this, std::move(plan), options, std::move(persistents));
}

void Executor::keep_weights_of(std::span<const Plan* const> plans) { weights_->keep_only(plans); }

void Executor::drop_arena() { memory_->drop_arena(); }

void Executor::reserve_arena(std::uint64_t size_bytes) {
  memory_->reserve_arena(size_bytes, "arena");
}

void Executor::write(std::string_view name, std::span<const std::byte> bytes) {
  memory_->write(name, bytes);
  ++counters_.host_writes;
}

void Executor::read(std::string_view name, std::span<std::byte> bytes) {
  memory_->read(name, bytes);
  ++counters_.host_reads;
}

std::uint64_t Executor::elements(std::string_view name) const {
  return memory_->find(name).planned.shape.elements();
}

bool Executor::completed(std::uint64_t value) { return timeline_->completed(value); }

void Executor::wait(std::uint64_t value) { timeline_->wait(value); }

void Executor::wait_idle() { timeline_->wait_all(); }

MemoryReport Executor::memory() const {
  MemoryReport report;
  report.weight_bytes = weights_->allocated_bytes();
  report.arena_bytes = memory_->arena() == nullptr ? 0 : memory_->arena()->size_bytes();
  report.persistent_bytes = memory_->persistent_bytes();
  report.host_weight_bytes = weights_->host_bytes();
  report.device_peak_bytes = device_.memory_use().device_peak_bytes;
  report.staging_bytes = staging_->allocated_bytes();
  report.allocations = device_.allocations();
  return report;
}

}  // namespace kiln
