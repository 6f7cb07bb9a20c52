// compile(): runs the passes in order and checks every range against the device's limits.
#include "runtime/graph/plan.h"

#include <algorithm>

#include "runtime/base/align.h"
#include "runtime/base/error.h"
#include "runtime/graph/barrier_plan.h"
#include "runtime/graph/fusion.h"
#include "runtime/graph/memory_plan.h"

namespace kiln {
namespace {

// Kernels may read and write whole words, so every value ends on a multiple of 16 bytes.
constexpr std::uint64_t kValueAlignment = 16;

std::uint64_t value_bytes(const Value& value) {
  return align_up(value.shape.elements() * size_bytes(value.dtype), kValueAlignment);
}

class Planner {
 public:
  Planner(const Graph& graph, const std::vector<Node>& nodes, const DeviceProfile& device,
          const KernelChoice& wanted, const Streaming& streaming)
      : graph_(graph),
        nodes_(nodes),
        device_(device),
        streaming_(streaming),
        lowering_(graph, device, wanted) {}

  Plan run() {
    lowering_.run(nodes_);
    plan_.name = graph_.name();
    plan_.element = graph_.element();
    plan_.dispatches = std::move(lowering_.dispatches);
    plan_.weights = std::move(lowering_.weights);
    plan_.problems = std::move(lowering_.problems);
    plan_.sources = graph_.weights();
    for (const Node& node : nodes_) {
      const std::string details = node.op->details();
      plan_.nodes.push_back({node.path,
                             std::string(node.op->name()) + (details.empty() ? "" : " " + details),
                             shapes_of(node)});
    }
    place_persistents();
    place_transients();
    resolve();
    plan_.barriers = plan_barriers(plan_.dispatches, plan_.uploads);
    return std::move(plan_);
  }

 private:
  static constexpr std::uint32_t kUnplaced = 0xffffffffu;

  std::string shapes_of(const Node& node) const {
    std::vector<std::string> operands;
    for (const ValueId input : node.inputs) {
      const Value& value = graph_.values()[input];
      operands.push_back(
          value.kind == Value::Kind::weight
              ? fmt::format("{}", fmt::join(graph_.weights()[value.weight].dims, "x"))
              : to_text(value.shape));
    }
    std::string text = fmt::format("{}", fmt::join(operands, ", "));
    if (node.output != kNoValue) text += " -> " + to_text(graph_.values()[node.output].shape);
    return text;
  }

  void place_persistents() {
    persistent_of_.assign(graph_.values().size(), kUnplaced);
    for (std::size_t i = 0; i < graph_.values().size(); ++i) {
      const Value& value = graph_.values()[i];
      if (value.kind != Value::Kind::persistent) continue;
      persistent_of_[i] = std::uint32_t(plan_.persistents.size());
      plan_.persistents.push_back(
          {value.name, value.shape, value.dtype, value.traffic, value_bytes(value)});
    }
  }

  // Blocks: transient values that a dispatch touches, then scratch.
  void place_transients() {
    block_of_.assign(graph_.values().size(), kUnplaced);
    std::vector<Block> blocks;
    for (std::size_t d = 0; d < plan_.dispatches.size(); ++d) {
      for (const Operand& operand : plan_.dispatches[d].operands) {
        if (operand.kind != Operand::Kind::value) continue;
        const Value& value = graph_.values()[operand.index];
        if (value.kind != Value::Kind::transient) continue;
        std::uint32_t& block = block_of_[operand.index];
        if (block == kUnplaced) {
          block = std::uint32_t(blocks.size());
          blocks.push_back({value_bytes(value), std::uint32_t(d), std::uint32_t(d)});
        }
        blocks[block].last = std::uint32_t(d);
      }
    }
    first_scratch_ = std::uint32_t(blocks.size());
    for (const Lowering::Scratch& scratch : lowering_.scratches) {
      blocks.push_back({scratch.size_bytes, scratch.first_dispatch, scratch.last_dispatch});
    }
    first_stay_ = std::uint32_t(blocks.size());
    choose_streamed(plan_.dispatches, blocks, streaming_.bytes, plan_.weights);
    stays_ = plan_stays(plan_.dispatches, plan_.weights, streaming_.segment_bytes);
    for (const WeightStay& stay : stays_) {
      blocks.push_back({plan_.weights[stay.weight].size_bytes, stay.before, stay.last});
    }
    const MemoryPlan memory = plan_memory(blocks, device_.binding_alignment);
    blocks_ = std::move(blocks);
    offsets_ = memory.offsets;
    plan_.arena_bytes = memory.arena_bytes;
    plan_.live_peak_bytes = memory.live_peak_bytes;
    plan_.sum_bytes = memory.sum_bytes;
  }

  Range range_of_stay(std::size_t stay) const {
    const std::size_t block = first_stay_ + stay;
    return {Space::arena, 0, offsets_[block], blocks_[block].size_bytes};
  }

  // Stays are in the order of their dispatches: that of the latest segment holds.
  Range range_of_streamed(std::uint32_t weight, std::uint32_t dispatch) const {
    for (std::size_t i = stays_.size(); i-- > 0;) {
      const WeightStay& stay = stays_[i];
      if (stay.weight == weight && stay.first <= dispatch && dispatch <= stay.last) {
        return range_of_stay(i);
      }
    }
    fail(plan_.name, "weight {} is not in the arena when dispatch {} reads it", weight, dispatch);
  }

  Range range_of(const Operand& operand, std::uint32_t dispatch) const {
    if (operand.kind == Operand::Kind::weight) {
      if (plan_.weights[operand.index].streamed) return range_of_streamed(operand.index, dispatch);
      return {Space::weight, operand.index, 0, plan_.weights[operand.index].size_bytes};
    }
    std::uint32_t block = first_scratch_ + operand.index;
    if (operand.kind == Operand::Kind::value) {
      if (persistent_of_[operand.index] != kUnplaced) {
        const std::uint32_t index = persistent_of_[operand.index];
        return {Space::persistent, index, 0, plan_.persistents[index].size_bytes};
      }
      block = block_of_[operand.index];
    }
    return {Space::arena, 0, offsets_[block], blocks_[block].size_bytes};
  }

  std::string describe(const Dispatch& dispatch, const Operand& operand) const {
    if (operand.kind == Operand::Kind::weight) {
      return fmt::format("weight {}", plan_.sources[plan_.weights[operand.index].source].name);
    }
    if (operand.kind == Operand::Kind::scratch) return "its scratch memory";
    const Value& value = graph_.values()[operand.index];
    const bool result = operand.index == nodes_[dispatch.node].output;
    return fmt::format("{} {} {} {}", result ? "result" : "operand", value.name,
                       to_text(value.shape), to_text(value.dtype));
  }

  void resolve() {
    for (std::size_t i = 0; i < stays_.size(); ++i) {
      plan_.uploads.push_back(
          {stays_[i].before, stays_[i].weight, stays_[i].awaited, range_of_stay(i)});
    }
    for (std::size_t d = 0; d < plan_.dispatches.size(); ++d) {
      Dispatch& dispatch = plan_.dispatches[d];
      for (const Operand& operand : dispatch.operands) {
        Range range = range_of(operand, std::uint32_t(d));
        if (operand.size_bytes > 0) {
          range.offset_bytes += operand.offset_bytes;
          range.size_bytes = std::min(align_up(operand.size_bytes, kValueAlignment),
                                      range.size_bytes - operand.offset_bytes);
        }
        if (range.size_bytes > device_.max_binding_bytes) {
          fail(plan_.nodes[dispatch.node].path,
               "{}: {} takes {} bytes, the largest storage buffer of {} is {} bytes",
               plan_.nodes[dispatch.node].op, describe(dispatch, operand), range.size_bytes,
               device_.name, device_.max_binding_bytes);
        }
        dispatch.ranges.push_back(range);
      }
    }
  }

  const Graph& graph_;
  const std::vector<Node>& nodes_;
  const DeviceProfile& device_;
  Streaming streaming_;
  Lowering lowering_;
  Plan plan_;
  std::vector<std::uint32_t> persistent_of_, block_of_;
  std::vector<Block> blocks_;
  std::vector<std::uint64_t> offsets_;
  std::vector<WeightStay> stays_;
  std::uint32_t first_scratch_ = 0, first_stay_ = 0;
};

std::string in_mebibytes(std::uint64_t bytes) {
  return fmt::format("{:.1f} MiB", mebibytes(bytes));
}

std::string range_text(const Plan& plan, const Range& range) {
  switch (range.space) {
    case Space::arena:
      return fmt::format("arena+{:#x}", range.offset_bytes);
    case Space::persistent:
      return plan.persistents[range.index].name;
    case Space::weight:
      return plan.sources[plan.weights[range.index].source].name;
  }
  return "?";
}

}  // namespace

Plan compile(Graph& graph, const DeviceProfile& device, const KernelChoice& wanted,
             const Streaming& streaming) {
  const auto recorded = std::uint32_t(graph.nodes().size());
  const std::vector<Node> nodes = fuse(graph);
  Plan plan = Planner(graph, nodes, device, wanted, streaming).run();
  plan.recorded_nodes = recorded;
  return plan;
}

std::uint64_t Plan::weight_elements() const {
  std::uint64_t total = 0;
  for (const WeightData& source : sources) {
    std::uint64_t elements = 1;
    for (const std::int64_t extent : source.dims) elements *= std::uint64_t(extent);
    total += elements;
  }
  return total;
}

std::uint64_t Plan::weight_bytes() const {
  std::uint64_t total = 0;
  for (const PlannedWeight& weight : weights) total += weight.size_bytes;
  return total;
}

std::uint64_t Plan::streamed_bytes() const {
  std::uint64_t total = 0;
  for (const PlannedWeight& weight : weights) total += weight.streamed ? weight.size_bytes : 0;
  return total;
}

std::uint64_t Plan::flops() const {
  std::uint64_t total = 0;
  for (const Dispatch& dispatch : dispatches) total += dispatch.flops;
  return total;
}

std::string Plan::to_text() const {
  std::string text = fmt::format("plan {} ({})\n", name, kiln::to_text(element));
  for (std::size_t i = 0; i < dispatches.size(); ++i) {
    const Dispatch& dispatch = dispatches[i];
    const PlannedNode& node = nodes[dispatch.node];
    text += fmt::format("{:5} {} {:<60} {:<28} {:<24} grid {}x{}x{}", i,
                        dispatch.barrier_before ? '|' : ' ', node.path, node.op,
                        dispatch.kernel->name, dispatch.grid.x, dispatch.grid.y, dispatch.grid.z);
    for (std::size_t o = 0; o < dispatch.ranges.size(); ++o) {
      const bool written = writes(dispatch.kernel->operands[o]);
      text += fmt::format(" {}{}", written ? '>' : '<', range_text(*this, dispatch.ranges[o]));
    }
    text += '\n';
  }
  text += fmt::format(
      "{} nodes recorded, {} after fusion, {} dispatches, {} barriers, {:.1f} GFLOP\n",
      recorded_nodes, nodes.size(), dispatches.size(), barriers, double(flops()) * 1e-9);
  text += fmt::format("weights: {} tensors, {:.1f} M parameters, {}\n", sources.size(),
                      double(weight_elements()) * 1e-6, in_mebibytes(weight_bytes()));
  text += fmt::format("activations: {} without sharing, arena {}, lower bound {}\n",
                      in_mebibytes(sum_bytes), in_mebibytes(arena_bytes),
                      in_mebibytes(live_peak_bytes));
  return text;
}

}  // namespace kiln
