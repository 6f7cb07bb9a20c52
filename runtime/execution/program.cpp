// Recording of a plan. Every batch begins with a barrier after all earlier work on the queue.
#include "runtime/execution/program.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "runtime/base/error.h"

namespace kiln {

std::vector<std::size_t> cut_into_batches(std::span<const Dispatch> dispatches,
                                          std::uint64_t max_flops) {
  std::vector<std::size_t> first = {0};
  std::uint64_t flops = 0;
  for (std::size_t i = 0; i < dispatches.size(); ++i) {
    const std::uint64_t next = dispatches[i].flops;
    const bool full = flops > 0 && next > 0 && (next > max_flops || flops > max_flops - next);
    if (full && i > first.back()) {
      first.push_back(i);
      flops = 0;
    }
    flops += next;
  }
  return first;
}

Program::Program(const Device& device, const KernelLibrary& kernels, const Plan& plan,
                 const Resolve& resolve, const ProgramOptions& options)
    : device_(device),
      plan_(plan),
      options_(options),
      place_(fmt::format("stage {}", plan.name)),
      first_(cut_into_batches(plan.dispatches, device.profile().max_submission_flops)),
      pool_(device, place_) {
  first_.push_back(plan.dispatches.size());
  allocate_sets(kernels, resolve);
  for (const Upload& upload : plan.uploads) {
    const Range from{Space::weight, upload.weight, 0, upload.to.size_bytes};
    copies_.push_back({resolve(from), resolve(upload.to)});
  }
  batches_.resize(options.copies);
  for (std::size_t copy = 0; copy < options.copies; ++copy) record_copy(kernels, copy);
}

void Program::allocate_sets(const KernelLibrary& kernels, const Resolve& resolve) {
  using Operands = std::vector<std::array<std::uint64_t, 3>>;  // buffer, offset, size
  std::map<Operands, std::size_t> known;
  std::vector<std::vector<BufferRange>> distinct;
  std::vector<const SetLayout*> layouts;
  std::vector<std::size_t> chosen;
  std::uint32_t descriptors = 0;
  for (const Dispatch& dispatch : plan_.dispatches) {
    Operands key;
    std::vector<BufferRange> ranges;
    for (const Range& planned : dispatch.ranges) {
      const BufferRange range = resolve(planned);
      if (range.size_bytes > range.buffer->size_bytes() ||
          range.offset_bytes > range.buffer->size_bytes() - range.size_bytes) {
        fail(place_, "an operand of {} reaches beyond its memory", dispatch.kernel->name);
      }
      key.push_back(
          {reinterpret_cast<std::uintptr_t>(range.buffer), range.offset_bytes, range.size_bytes});
      ranges.push_back(range);
    }
    const auto [entry, added] = known.try_emplace(std::move(key), distinct.size());
    if (added) {
      descriptors += std::uint32_t(ranges.size());
      distinct.push_back(std::move(ranges));
      layouts.push_back(kernels.find(dispatch).set_layout);
    }
    chosen.push_back(entry->second);
  }
  descriptors_ =
      std::make_unique<DescriptorPool>(device_, std::uint32_t(distinct.size()), descriptors);
  std::vector<VkDescriptorSet> sets;
  for (std::size_t i = 0; i < distinct.size(); ++i) {
    sets.push_back(descriptors_->allocate(*layouts[i], distinct[i]));
  }
  for (const std::size_t set : chosen) sets_.push_back(sets[set]);
}

void Program::record_copy(const KernelLibrary& kernels, std::size_t copy) {
  const Timestamps* times = nullptr;
  if (options_.timing != Timing::none) {
    const std::size_t spans = 1 + (times_dispatches() ? plan_.dispatches.size() : 0);
    times_.push_back(std::make_unique<Timestamps>(device_, std::uint32_t(2 * spans)));
    times = times_.back().get();
  }
  barriers_ = 0;
  for (std::size_t batch = 0; batch + 1 < first_.size(); ++batch) {
    batches_[copy].push_back(pool_.allocate());
    Commands commands(device_, batches_[copy].back(), place_);
    record_batch(kernels, commands, batch, times);
    commands.end();
  }
}

void Program::record_batch(const KernelLibrary& kernels, Commands& commands, std::size_t batch,
                           const Timestamps* times) {
  commands.begin_label(place_);
  if (plan_.uploads.empty()) {
    commands.kernels_after_all();
  } else {
    commands.all_after_all();
  }
  ++barriers_;
  if (times != nullptr && batch == 0) {
    commands.reset(*times);
    commands.write(*times, 0);
  }
  VkPipeline bound = VK_NULL_HANDLE;
  std::string_view path;
  bool labelled = false;
  for (std::size_t i = first_[batch]; i < first_[batch + 1]; ++i) {
    const Dispatch& dispatch = plan_.dispatches[i];
    if ((dispatch.barrier_before || times_dispatches()) && i > first_[batch]) {
      if (dispatch.after_copies) {
        commands.all_after_all();
      } else {
        commands.kernels_after_kernels();
      }
      ++barriers_;
    }
    record_uploads(i, commands);
    const std::string& next = plan_.nodes.at(dispatch.node).path;
    if (!labelled || next != path) {
      if (labelled) commands.end_label();
      commands.begin_label(next);
      labelled = true;
      path = next;
    }
    const KernelLibrary::Kernel kernel = kernels.find(dispatch);
    if (kernel.pipeline != bound) commands.bind(kernel.pipeline);
    bound = kernel.pipeline;
    const auto query = std::uint32_t(2 + 2 * i);
    if (times_dispatches()) commands.write_arrival(*times, query);
    record_dispatch(kernel, i, commands);
    if (times_dispatches()) commands.write(*times, query + 1);
  }
  if (labelled) commands.end_label();
  if (times != nullptr && batch + 2 == first_.size()) commands.write(*times, 1);
  if (options_.host_reads && batch + 2 == first_.size()) commands.host_after_all();
  commands.end_label();
}

void Program::record_uploads(std::size_t dispatch, Commands& commands) const {
  auto upload =
      std::lower_bound(plan_.uploads.begin(), plan_.uploads.end(), dispatch,
                       [](const Upload& one, std::size_t index) { return one.before < index; });
  bool awaited = false;
  for (; upload != plan_.uploads.end() && upload->before == dispatch; ++upload) {
    if (awaited && !upload->awaited) commands.all_after_all();
    awaited = upload->awaited;
    const Copy& copy = copies_[std::size_t(upload - plan_.uploads.begin())];
    commands.copy(*copy.from.buffer, copy.from.offset_bytes, *copy.to.buffer, copy.to.offset_bytes,
                  upload->to.size_bytes);
  }
  if (awaited) commands.all_after_all();
}

void Program::record_dispatch(const KernelLibrary::Kernel& kernel, std::size_t index,
                              Commands& commands) const {
  const Dispatch& dispatch = plan_.dispatches[index];
  commands.bind_set(kernel.layout, sets_[index]);
  if (!dispatch.arguments.empty()) commands.arguments(kernel.layout, dispatch.arguments);
  commands.dispatch(dispatch.grid.x, dispatch.grid.y, dispatch.grid.z);
}

std::vector<std::uint64_t> Program::ticks(std::size_t copy) const {
  return times_.empty() ? std::vector<std::uint64_t>() : times_[copy]->ticks();
}

}  // namespace kiln
