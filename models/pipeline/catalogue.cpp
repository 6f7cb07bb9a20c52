// What there is to choose from: devices, samplers, schedules; and what a pipeline is made of.
#include <span>

#include "kernels/all.h"
#include "models/pipeline/kiln.h"
#include "models/pipeline/parts.h"
#include "models/sampling/samplers.h"
#include "runtime/execution/open_device.h"

namespace kiln {
namespace {

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    parts.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

// FNV-1a over every module, so that a picture can tell which kernels made it.
std::string kernel_set_hash() {
  std::uint64_t hash = 0xcbf29ce484222325ull;
  for (const KernelInfo* kernel : kernels::all()) {
    for (const std::uint32_t word : kernel->spirv) hash = (hash ^ word) * 0x100000001b3ull;
  }
  return fmt::format("{:016x}", hash);
}

}  // namespace

std::vector<DeviceDescription> devices() {
  std::vector<DeviceDescription> result;
  for (const PhysicalDeviceInfo& device : list_devices()) {
    result.push_back({.index = device.index,
                      .name = device.profile.name,
                      .driver = device.profile.driver,
                      .kind = std::string(to_text(device.profile.kind)),
                      .refused = device.refused,
                      .facts = facts_text(device),
                      .quirks = device.quirks});
  }
  return result;
}

std::vector<SamplerDescription> samplers() {
  std::vector<SamplerDescription> result;
  for (const Sampler& sampler : all_samplers()) {
    result.push_back({.name = sampler.name,
                      .title = sampler.title,
                      .aliases = split(sampler.aliases, '|'),
                      .default_schedule = sampler.default_schedule});
  }
  return result;
}

std::vector<std::string> schedules() { return {all_schedules().begin(), all_schedules().end()}; }

PipelineInfo Pipeline::info() const {
  const Parts& parts = *parts_;
  const SamplerChoice choice = choice_from_config(parts.model.scheduler);
  PipelineInfo info;
  info.model = parts.model.path;
  info.model_hash = parts.model.hash();
  info.family = parts.model.family;
  info.device = parts.device.profile().name;
  info.driver = parts.device.profile().driver;
  info.precision = parts.element == DType::f16 ? "f16" : "f32";
  info.native_size = parts.model.native_size;
  info.size_multiple = parts.model.vae.downscale();
  info.kernel_set = kernel_set_hash();
  info.sampler = choice.sampler;
  info.schedule = choice.schedule;
  return info;
}

Request Pipeline::default_request() const {
  const Model& model = parts_->model;
  Request request;
  request.width = request.height = model.native_size;
  SamplerSettings& sampling = request.sampling;
  sampling.steps = model.defaults.steps.value_or(sampling.steps);
  sampling.guidance = model.defaults.guidance.value_or(sampling.guidance);
  sampling.sampler = model.defaults.sampler;
  sampling.schedule = model.defaults.schedule;
  return request;
}

}  // namespace kiln
