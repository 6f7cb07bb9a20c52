// Checks a kernel against the device, then makes its pipeline.
#include "runtime/execution/kernel_library.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/base/error.h"
#include "runtime/execution/parallel.h"

namespace kiln {
namespace {

std::uint32_t workgroup_extent(const Dispatch& dispatch, std::size_t axis) {
  const std::int32_t extent = dispatch.kernel->workgroup[axis];
  return extent >= 0 ? std::uint32_t(extent) : dispatch.constants.at(std::size_t(-1 - extent));
}

std::string workgroup_problem(const Dispatch& dispatch, const DeviceProfile& device) {
  std::uint64_t invocations = 1;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const std::uint32_t extent = workgroup_extent(dispatch, axis);
    invocations *= extent;
    if (extent == 0 || extent > device.max_workgroup_size[axis]) {
      return fmt::format("a workgroup {} wide along axis {}, the limit is {}", extent, axis,
                         device.max_workgroup_size[axis]);
    }
  }
  if (invocations > device.max_workgroup_invocations) {
    return fmt::format("a workgroup of {} invocations, the limit is {}", invocations,
                       device.max_workgroup_invocations);
  }
  const std::uint32_t grid[] = {dispatch.grid.x, dispatch.grid.y, dispatch.grid.z};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    if (grid[axis] > device.max_grid[axis]) {
      return fmt::format("{} workgroups along axis {}, the limit is {}", grid[axis], axis,
                         device.max_grid[axis]);
    }
  }
  return {};
}

}  // namespace

std::string cannot_run(const Dispatch& dispatch, const DeviceProfile& device) {
  const KernelInfo& kernel = *dispatch.kernel;
  if (dispatch.ranges.size() != kernel.operands.size() ||
      dispatch.arguments.size() != kernel.arguments_bytes ||
      dispatch.constants.size() != kernel.constant_ids.size()) {
    return "other operands, arguments or constants than the dispatch has";
  }
  if (!device.serves(kernel.needs)) {
    return fmt::format("features {:#x}, the device has {:#x}", kernel.needs, device.features);
  }
  if (kernel.arguments_bytes > device.max_arguments_bytes) {
    return fmt::format("{} bytes of arguments, the limit is {}", kernel.arguments_bytes,
                       device.max_arguments_bytes);
  }
  if (kernel.operands.size() > device.max_storage_buffers) {
    return fmt::format("{} storage buffers, the limit is {}", kernel.operands.size(),
                       device.max_storage_buffers);
  }
  const std::uint32_t subgroup = kernel.subgroup(dispatch.constants);
  if (subgroup != 0 && !device.has_subgroups_of(subgroup)) {
    return fmt::format("subgroups of {}, the device has {} to {}", subgroup,
                       device.min_subgroup_size, device.max_subgroup_size);
  }
  return workgroup_problem(dispatch, device);
}

KernelLibrary::KernelLibrary(const Device& device, KernelReplacement replace)
    : device_(device), facts_(device.profile()), replace_(std::move(replace)), cache_(device) {
  // What other modules need is not known here; the validation layer tells.
  if (replace_) facts_.features = ~0u;
}

const PipelineLayout& KernelLibrary::layout(const KernelInfo& kernel) {
  const auto operands = std::uint32_t(kernel.operands.size());
  const auto set = set_layouts_.try_emplace(operands, device_, operands).first;
  return layouts_
      .try_emplace({operands, kernel.arguments_bytes}, device_, set->second, kernel.arguments_bytes)
      .first->second;
}

void KernelLibrary::prepare(std::span<const Dispatch> dispatches) {
  struct Missing {
    const Dispatch* dispatch;
    const PipelineLayout* layout;
    std::unique_ptr<ComputePipeline>* slot;
  };
  std::vector<Missing> missing;
  for (const Dispatch& dispatch : dispatches) {
    const KernelInfo& kernel = *dispatch.kernel;
    const std::string problem = cannot_run(dispatch, facts_);
    if (!problem.empty()) {
      fail(fmt::format("kernel {}", kernel.name), "needs {} ({})", problem, device_.profile().name);
    }
    const auto [entry, added] = pipelines_.try_emplace({dispatch.kernel, dispatch.constants});
    if (added) missing.push_back({&dispatch, &layout(kernel), &entry->second});
  }
  const auto make = [&](std::size_t i) {
    const Missing& next = missing[i];
    const KernelInfo& kernel = *next.dispatch->kernel;
    const std::string label = fmt::format("{} {} [{}]", kernel.name, to_text(kernel.element),
                                          fmt::join(next.dispatch->constants, " "));
    std::vector<std::uint32_t> other;
    if (replace_) other = replace_(kernel);
    *next.slot = std::make_unique<ComputePipeline>(
        device_, *next.layout, cache_,
        PipelineSource{kernel.name, label, other.empty() ? kernel.spirv : other,
                       kernel.constant_ids, next.dispatch->constants,
                       kernel.subgroup(next.dispatch->constants)});
  };
  try {
    parallel_for(missing.size(), make);
  } catch (...) {
    std::erase_if(pipelines_, [](const auto& entry) { return entry.second == nullptr; });
    throw;
  }
}

KernelLibrary::Kernel KernelLibrary::find(const Dispatch& dispatch) const {
  const KernelInfo& kernel = *dispatch.kernel;
  const auto operands = std::uint32_t(kernel.operands.size());
  return {pipelines_.at({dispatch.kernel, dispatch.constants})->get(),
          layouts_.at({operands, kernel.arguments_bytes}).get(), &set_layouts_.at(operands)};
}

}  // namespace kiln
