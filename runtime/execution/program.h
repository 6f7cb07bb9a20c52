// Program: a plan recorded into command buffers, cut into batches by predicted work.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "runtime/execution/kernel_library.h"
#include "runtime/execution/stage.h"
#include "runtime/graph/plan.h"
#include "runtime/vulkan/commands.h"
#include "runtime/vulkan/timestamps.h"

namespace kiln {

struct ProgramOptions {
  std::uint32_t copies = 2;  // equal recordings, so that one can run while another is submitted
  Timing timing = Timing::none;
  bool host_reads = false;  // the host maps something this plan may write
};

// Where a planned range lies.
using Resolve = std::function<BufferRange(const Range&)>;

// First dispatch of each batch: a new one begins where predicted work would exceed the limit. A
// single dispatch above it is a batch of its own.
std::vector<std::size_t> cut_into_batches(std::span<const Dispatch> dispatches,
                                          std::uint64_t max_flops);

class Program {
 public:
  // plan: outlives the program; its pipelines must be in `kernels`.
  Program(const Device& device, const KernelLibrary& kernels, const Plan& plan,
          const Resolve& resolve, const ProgramOptions& options);

  // Command buffers of one recording, to be submitted in order. No copy may be pending twice.
  std::span<const VkCommandBuffer> batches(std::size_t copy) const { return batches_[copy]; }
  Timing timing() const { return options_.timing; }
  std::uint32_t barriers() const { return barriers_; }  // in one recording
  // Of a completed copy, in ticks of the device's clock: beginning and end of the recording, then
  // of each dispatch if those are timed. Empty with Timing::none.
  std::vector<std::uint64_t> ticks(std::size_t copy) const;

 private:
  void allocate_sets(const KernelLibrary& kernels, const Resolve& resolve);
  void record_copy(const KernelLibrary& kernels, std::size_t copy);
  void record_batch(const KernelLibrary& kernels, Commands& commands, std::size_t batch,
                    const Timestamps* times);
  // Copies of streamed weights that stand in front of a dispatch.
  void record_uploads(std::size_t dispatch, Commands& commands) const;
  void record_dispatch(const KernelLibrary::Kernel& kernel, std::size_t index,
                       Commands& commands) const;
  bool times_dispatches() const { return options_.timing == Timing::dispatches; }

  const Device& device_;
  const Plan& plan_;
  ProgramOptions options_;
  std::string place_;
  std::vector<std::size_t> first_;  // of each batch, then the number of dispatches
  CommandPool pool_;
  std::unique_ptr<DescriptorPool> descriptors_;
  struct Copy {
    BufferRange from, to;
  };
  std::vector<Copy> copies_;                           // one an upload of the plan
  std::vector<VkDescriptorSet> sets_;                  // one a dispatch; equal operands share one
  std::vector<std::vector<VkCommandBuffer>> batches_;  // [copy][batch]
  std::vector<std::unique_ptr<Timestamps>> times_;     // one a copy, if timed
  std::uint32_t barriers_ = 0;
};

}  // namespace kiln
