// Which pipelines the supported models make on a device, whatever candidates are chosen.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/graph/device_profile.h"

namespace kiln::app {

struct WantedPipeline {
  const KernelInfo* kernel = nullptr;
  std::vector<std::uint32_t> constants;  // one for each of kernel->constant_ids
  std::string user;                      // the first that launches it: "denoise 512x512 F16"
  // "matmul/matmul F16 [16 4 8]": unique in a set.
  std::string name() const;
};

struct LeftOut {
  std::string kernel, element, reason;
};

struct PipelineSet {
  std::vector<WantedPipeline> pipelines;
  std::vector<LeftOut> left_out;         // kernels that are not made on this device at all
  std::vector<std::string> not_planned;  // stages that do not fit the device, each with its reason
};

// Compiles the stages of Stable Diffusion 1.5 (512x512 and 256x256) and of `models` at their own
// size, with and without guidance, from prompt and from image, in each element type the device
// stores; where an operation has several candidates, through each of them. Kernels no model reaches
// come from the self-test's cases, those that measure peaks get the constants of their source.
// Needs no device.
PipelineSet wanted_pipelines(const DeviceProfile& device, const std::vector<std::string>& models);

}  // namespace kiln::app
