// Asks VK_KHR_pipeline_executable_properties.
#include "runtime/vulkan/pipeline_statistics.h"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "runtime/vulkan/check.h"
#include "runtime/vulkan/device.h"
#include "runtime/vulkan/pipeline.h"

namespace kiln {
namespace {

// The extension's functions; null without it.
struct Functions {
  explicit Functions(VkDevice device) {
    const auto load = [device](auto& function, const char* name) {
      function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(
          vkGetDeviceProcAddr(device, name));
    };
    load(executables, "vkGetPipelineExecutablePropertiesKHR");
    load(statistics, "vkGetPipelineExecutableStatisticsKHR");
    load(representations, "vkGetPipelineExecutableInternalRepresentationsKHR");
  }
  PFN_vkGetPipelineExecutablePropertiesKHR executables = nullptr;
  PFN_vkGetPipelineExecutableStatisticsKHR statistics = nullptr;
  PFN_vkGetPipelineExecutableInternalRepresentationsKHR representations = nullptr;
};

double number(const VkPipelineExecutableStatisticKHR& statistic) {
  switch (statistic.format) {
    case VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_BOOL32_KHR:
      return statistic.value.b32 != VK_FALSE ? 1.0 : 0.0;
    case VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_INT64_KHR:
      return double(statistic.value.i64);
    case VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_UINT64_KHR:
      return double(statistic.value.u64);
    case VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_FLOAT64_KHR:
      return statistic.value.f64;
    default:
      return 0.0;
  }
}

std::vector<PipelineStatistic> read_statistics(const Functions& ask, VkDevice device,
                                               const VkPipelineExecutableInfoKHR& which) {
  std::uint32_t count = 0;
  check(ask.statistics(device, &which, &count, nullptr), "vkGetPipelineExecutableStatisticsKHR");
  VkPipelineExecutableStatisticKHR empty{};
  empty.sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_STATISTIC_KHR;
  std::vector<VkPipelineExecutableStatisticKHR> read(count, empty);
  check(ask.statistics(device, &which, &count, read.data()),
        "vkGetPipelineExecutableStatisticsKHR");
  std::vector<PipelineStatistic> result;
  for (std::uint32_t i = 0; i < count; ++i) result.push_back({read[i].name, number(read[i])});
  return result;
}

std::vector<PipelineRepresentation> read_representations(const Functions& ask, VkDevice device,
                                                         const VkPipelineExecutableInfoKHR& which) {
  constexpr const char* kCall = "vkGetPipelineExecutableInternalRepresentationsKHR";
  std::uint32_t count = 0;
  check(ask.representations(device, &which, &count, nullptr), kCall);
  VkPipelineExecutableInternalRepresentationKHR empty{};
  empty.sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INTERNAL_REPRESENTATION_KHR;
  std::vector<VkPipelineExecutableInternalRepresentationKHR> read(count, empty);
  check(ask.representations(device, &which, &count, read.data()), kCall);
  std::vector<std::string> texts(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    texts[i].resize(read[i].dataSize);
    read[i].pData = texts[i].data();
  }
  check(ask.representations(device, &which, &count, read.data()), kCall);
  std::vector<PipelineRepresentation> result;
  for (std::uint32_t i = 0; i < count; ++i) {
    if (!read[i].isText) continue;
    texts[i].resize(std::min(texts[i].size(), texts[i].find('\0')));
    result.push_back({read[i].name, std::move(texts[i])});
  }
  return result;
}

}  // namespace

std::vector<PipelineExecutable> pipeline_executables(const Device& device,
                                                     const ComputePipeline& pipeline,
                                                     bool representations) {
  if (!device.has_pipeline_statistics()) return {};
  const Functions ask(device.handle());
  VkPipelineInfoKHR of{};
  of.sType = VK_STRUCTURE_TYPE_PIPELINE_INFO_KHR;
  of.pipeline = pipeline.get();
  std::uint32_t count = 0;
  check(ask.executables(device.handle(), &of, &count, nullptr),
        "vkGetPipelineExecutablePropertiesKHR");
  VkPipelineExecutablePropertiesKHR empty{};
  empty.sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_PROPERTIES_KHR;
  std::vector<VkPipelineExecutablePropertiesKHR> read(count, empty);
  check(ask.executables(device.handle(), &of, &count, read.data()),
        "vkGetPipelineExecutablePropertiesKHR");
  std::vector<PipelineExecutable> result;
  for (std::uint32_t i = 0; i < count; ++i) {
    VkPipelineExecutableInfoKHR which{};
    which.sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INFO_KHR;
    which.pipeline = pipeline.get();
    which.executableIndex = i;
    PipelineExecutable executable{.name = read[i].name,
                                  .subgroup_size = read[i].subgroupSize,
                                  .statistics = read_statistics(ask, device.handle(), which),
                                  .representations = {}};
    if (representations) {
      executable.representations = read_representations(ask, device.handle(), which);
    }
    result.push_back(std::move(executable));
  }
  return result;
}

}  // namespace kiln
