// KernelLibrary: pipelines of kernels, made once for each (kernel, constants).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "runtime/execution/kernel_replacement.h"
#include "runtime/graph/dispatch.h"
#include "runtime/vulkan/pipeline.h"

namespace kiln {

class KernelLibrary {
 public:
  // replace: see Executor.
  explicit KernelLibrary(const Device& device, KernelReplacement replace = {});

  struct Kernel {
    VkPipeline pipeline = VK_NULL_HANDLE;
    VkPipelineLayout layout = VK_NULL_HANDLE;
    const SetLayout* set_layout = nullptr;
  };

  // Makes every pipeline these dispatches need and lacks, on several threads. Throws Error naming
  // the kernel and what the device cannot give it.
  void prepare(std::span<const Dispatch> dispatches);
  // Of a dispatch that was prepared.
  Kernel find(const Dispatch& dispatch) const;

  std::size_t pipelines() const { return pipelines_.size(); }

  // What a driver gives to be given back in a later run. Before the first pipeline is made.
  void use_kept_pipelines(std::span<const std::byte> kept) {
    cache_ = PipelineCache(device_, kept);
  }
  std::vector<std::byte> pipelines_to_keep() const { return cache_.bytes(); }

 private:
  using Key = std::pair<const KernelInfo*, std::vector<std::uint32_t>>;

  const PipelineLayout& layout(const KernelInfo& kernel);

  const Device& device_;
  DeviceProfile facts_;  // that dispatches are checked against
  KernelReplacement replace_;
  PipelineCache cache_;
  std::map<std::uint32_t, SetLayout> set_layouts_;                             // by operands
  std::map<std::pair<std::uint32_t, std::uint32_t>, PipelineLayout> layouts_;  // and argument bytes
  std::map<Key, std::unique_ptr<ComputePipeline>> pipelines_;
};

// Why this device cannot run the dispatch: a feature it lacks or a limit it exceeds; empty if it
// can. Needs no device.
std::string cannot_run(const Dispatch& dispatch, const DeviceProfile& device);

}  // namespace kiln
