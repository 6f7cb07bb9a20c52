// Layouts, one pipeline, its statistics; everything is released again.
#include "runtime/execution/pipeline_probe.h"

#include <fmt/format.h>

#include <chrono>

#include "runtime/vulkan/device.h"
#include "runtime/vulkan/pipeline.h"

namespace kiln {

bool PipelineProbe::has_statistics() const { return device_.has_pipeline_statistics(); }

ProbedPipeline PipelineProbe::make(const KernelInfo& kernel,
                                   std::span<const std::uint32_t> constants,
                                   bool representations) const {
  const SetLayout set(device_, std::uint32_t(kernel.operands.size()));
  const PipelineLayout layout(device_, set, kernel.arguments_bytes);
  const PipelineCache cache(device_);
  const std::string label =
      fmt::format("{} {} [{}]", kernel.name, to_text(kernel.element), fmt::join(constants, " "));
  const PipelineSource source{
      .name = kernel.name,
      .label = label,
      .spirv = kernel.spirv,
      .ids = constants.empty() ? std::span<const std::uint32_t>() : kernel.constant_ids,
      .constants = constants,
      .subgroup = kernel.subgroup(constants),
      .statistics = true,
      .representations = representations};
  const auto start = std::chrono::steady_clock::now();
  const ComputePipeline pipeline(device_, layout, cache, source);
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
  return {took.count(), pipeline_executables(device_, pipeline, representations)};
}

}  // namespace kiln
