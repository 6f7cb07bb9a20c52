// PipelineProbe: makes one pipeline of a kernel and asks the driver's compiler about it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "runtime/graph/kernel_info.h"
#include "runtime/vulkan/pipeline_statistics.h"

namespace kiln {

class Device;

struct ProbedPipeline {
  double compile_ms = 0.0;  // wall time of the driver's call
  std::vector<PipelineExecutable> executables;
};

// On a device opened with DeviceOptions::statistics. Several pipelines share nothing, so that
// compile times are honest as long as the driver's own disk cache is off.
class PipelineProbe {
 public:
  // device: outlives the probe.
  explicit PipelineProbe(const Device& device) : device_(device) {}

  // False where the driver cannot tell anything but the time.
  bool has_statistics() const;
  // constants: one for each of kernel.constant_ids, or none: the module's own defaults.
  // representations: with the compiler's texts. Throws Error with the driver's refusal.
  ProbedPipeline make(const KernelInfo& kernel, std::span<const std::uint32_t> constants,
                      bool representations) const;

 private:
  const Device& device_;
};

}  // namespace kiln
