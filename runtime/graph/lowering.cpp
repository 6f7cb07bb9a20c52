// The lowering pass, and the checks of each dispatch against the device's limits.
#include "runtime/graph/lowering.h"

#include <algorithm>

#include "runtime/base/error.h"

namespace kiln {

void Lowering::run(const std::vector<Node>& nodes) {
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    node_ = &nodes[i];
    node_index_ = std::uint32_t(i);
    replaced_inputs_.clear();
    replaced_output_.reset();
    const std::size_t first_scratch = scratches.size();
    const auto first = std::uint32_t(dispatches.size());
    node_->op->lower(*this);
    if (dispatches.size() == first) fail(node_->path, "{} made no dispatch", node_->op->name());
    for (std::size_t s = first_scratch; s < scratches.size(); ++s) {
      scratches[s].first_dispatch = first;
      scratches[s].last_dispatch = std::uint32_t(dispatches.size() - 1);
    }
  }
}

const std::vector<std::int64_t>& Lowering::dims(std::size_t input) const {
  const Value& of = value(input);
  if (of.kind != Value::Kind::weight) {
    fail(node_->path, "{}: operand {} is no weight", node_->op->name(), input);
  }
  return graph_.weights()[of.weight].dims;
}

Operand Lowering::input(std::size_t index) const {
  if (const auto other = replaced_inputs_.find(index); other != replaced_inputs_.end()) {
    return other->second;
  }
  if (value(index).kind == Value::Kind::weight) {
    return const_cast<Lowering*>(this)->packed(index, Packing{});
  }
  return {Operand::Kind::value, node_->inputs[index]};
}

Operand Lowering::output() const {
  return replaced_output_.value_or(Operand{Operand::Kind::value, node_->output});
}

void Lowering::replace_input(std::size_t index, const Operand& operand) {
  replaced_inputs_[index] = operand;
}

void Lowering::replace_output(const Operand& operand) { replaced_output_ = operand; }

KernelChoice Lowering::preferred(std::string_view problem) const {
  if (!wanted_.kernel.empty()) return wanted_;
  const auto tuned = device_.tuned_kernels.find(problem);
  return tuned == device_.tuned_kernels.end() ? KernelChoice{} : tuned->second;
}

Operand Lowering::packed(std::size_t input, const Packing& packing) {
  const std::uint32_t source = value(input).weight;
  const WeightData& data = graph_.weights()[source];
  PlannedWeight weight{.source = source, .packing = packing, .element = element()};
  weight.key = fmt::format("{}|{}|{}", data.name, to_text(packing), kiln::to_text(element()));
  const auto found = std::find_if(weights.begin(), weights.end(), [&](const PlannedWeight& other) {
    return other.source == source && other.packing == packing;
  });
  if (found != weights.end()) {
    return {Operand::Kind::weight, std::uint32_t(found - weights.begin())};
  }
  (void)dims(input);  // only weights have a packing
  weight.size_bytes = packed_elements(packing, data.dims) * size_bytes(element());
  weights.push_back(std::move(weight));
  return {Operand::Kind::weight, std::uint32_t(weights.size() - 1)};
}

Operand Lowering::scratch(std::uint64_t size) {
  scratches.push_back({.size_bytes = size});
  return {Operand::Kind::scratch, std::uint32_t(scratches.size() - 1)};
}

Grid Lowering::folded(std::uint64_t workgroups) const {
  const std::uint64_t x = std::min<std::uint64_t>(workgroups, device_.max_grid[0]);
  return {std::uint32_t(x), std::uint32_t(divide_up(workgroups, x)), 1};
}

void Lowering::require_turns(std::uint64_t turns) const {
  if (turns <= device_.max_loop_turns) return;
  fail(node_->path, "{}: {} turns of a loop, the limit of {} is {}", node_->op->name(), turns,
       device_.name, device_.max_loop_turns);
}

void Lowering::append(const KernelInfo& kernel, std::initializer_list<Operand> operands,
                      std::vector<std::byte> arguments, std::vector<std::uint32_t> constants,
                      Grid grid, std::uint64_t flops) {
  Dispatch dispatch{.kernel = &kernel,
                    .operands = operands,
                    .ranges = {},
                    .arguments = std::move(arguments),
                    .constants = std::move(constants),
                    .grid = grid,
                    .node = node_index_,
                    .flops = flops};
  check(dispatch);
  dispatches.push_back(std::move(dispatch));
}

void Lowering::check(const Dispatch& dispatch) const {
  const KernelInfo& kernel = *dispatch.kernel;
  const auto refuse = [&](std::string_view what, std::uint64_t value, std::uint64_t limit) {
    fail(node_->path, "{}: {} is {}, the limit of {} is {}", kernel.name, what, value, device_.name,
         limit);
  };
  if (dispatch.operands.size() != kernel.operands.size()) {
    refuse("number of operands", dispatch.operands.size(), kernel.operands.size());
  }
  if (device_.avoids(kernel.name)) {
    fail(node_->path, "{}: kernel {} is to be avoided, and no other can do this here",
         node_->op->name(), kernel.name);
  }
  if (!device_.serves(kernel.needs)) {
    fail(node_->path, "{}: {} lacks a feature this kernel needs (bits {:#x})", kernel.name,
         device_.name, kernel.needs & ~device_.features);
  }
  const std::uint32_t subgroup = kernel.subgroup(dispatch.constants);
  if (subgroup != 0 && !device_.has_subgroups_of(subgroup)) {
    refuse("size of subgroups", subgroup, device_.max_subgroup_size);
  }
  if (dispatch.operands.size() > device_.max_storage_buffers) {
    refuse("number of storage buffers", dispatch.operands.size(), device_.max_storage_buffers);
  }
  if (dispatch.arguments.size() != kernel.arguments_bytes) {
    refuse("size of arguments", dispatch.arguments.size(), kernel.arguments_bytes);
  }
  if (dispatch.arguments.size() > device_.max_arguments_bytes) {
    refuse("size of arguments", dispatch.arguments.size(), device_.max_arguments_bytes);
  }
  const std::uint32_t grid[3] = {dispatch.grid.x, dispatch.grid.y, dispatch.grid.z};
  std::uint64_t invocations = 1;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    if (grid[axis] == 0) fail(node_->path, "{}: empty grid", kernel.name);
    if (grid[axis] > device_.max_grid[axis]) {
      refuse("grid", grid[axis], device_.max_grid[axis]);
    }
    const std::int32_t extent = kernel.workgroup[axis];
    const std::uint32_t size =
        extent < 0 ? dispatch.constants.at(std::size_t(-1 - extent)) : std::uint32_t(extent);
    if (size > device_.max_workgroup_size[axis]) {
      refuse("workgroup extent", size, device_.max_workgroup_size[axis]);
    }
    invocations *= size;
  }
  if (invocations > device_.max_workgroup_invocations) {
    refuse("invocations a workgroup", invocations, device_.max_workgroup_invocations);
  }
}

}  // namespace kiln
