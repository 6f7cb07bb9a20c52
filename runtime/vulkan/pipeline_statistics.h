// What a driver's compiler tells of a pipeline: statistics and internal representations.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace kiln {

class ComputePipeline;
class Device;

// One number in the driver's own words, such as "VGPRs" or "Spill count".
struct PipelineStatistic {
  std::string name;
  double value = 0.0;  // booleans are 0 and 1
};

// One text of the compiler's, such as "NIR Shader(s)" or "Assembly".
struct PipelineRepresentation {
  std::string name;
  std::string text;
};

// One executable of a pipeline: drivers may make several, such as one for each subgroup size.
struct PipelineExecutable {
  std::string name;
  std::uint32_t subgroup_size = 0;
  std::vector<PipelineStatistic> statistics;
  std::vector<PipelineRepresentation> representations;  // binary ones are left out
};

// Of a pipeline made with PipelineSource::statistics on a device opened with
// DeviceRequest::statistics; representations are there if they, too, were asked for. Empty where
// the driver lacks VK_KHR_pipeline_executable_properties.
std::vector<PipelineExecutable> pipeline_executables(const Device& device,
                                                     const ComputePipeline& pipeline,
                                                     bool representations);

}  // namespace kiln
