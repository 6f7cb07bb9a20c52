// Two recordings of a tape: one for the interpreter, one whose values are kept on the device.
#include "runtime/verification/node_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "runtime/base/error.h"
#include "runtime/graph/fusion.h"
#include "runtime/ops/device_class.h"

namespace kiln {
namespace {

// Makes the result of each node a persistent tensor.
void keep_results(Graph& graph, std::span<const Node> nodes) {
  for (const Node& node : nodes) {
    if (node.output == kNoValue) continue;
    if (graph.values()[node.output].kind != Value::Kind::transient) continue;
    graph.keep(Tensor(graph, node.output), fmt::format("node.{}", node.output),
               Traffic::host_reads);
  }
}

reference::Numbers read(Executor& executor, const Value& value) {
  std::vector<std::byte> bytes(value.shape.elements() * size_bytes(value.dtype));
  executor.read(value.name, bytes);
  return reference::from_bytes(bytes, value.dtype);
}

std::vector<std::string> kernels_of(const Plan& plan, std::size_t node) {
  std::vector<std::string> kernels;
  for (const Dispatch& dispatch : plan.dispatches) {
    const std::string name(dispatch.kernel->name);
    if (dispatch.node != node) continue;
    if (std::find(kernels.begin(), kernels.end(), name) == kernels.end()) kernels.push_back(name);
  }
  return kernels;
}

void write_inputs(Executor& executor, reference::Interpreter& interpreter, const Graph& graph,
                  const Tape& tape) {
  for (const Value& value : graph.values()) {
    const auto input = tape.inputs.find(value.name);
    if (value.kind != Value::Kind::persistent || input == tape.inputs.end()) continue;
    const std::vector<std::byte> bytes = reference::to_bytes(input->second, value.dtype);
    executor.write(value.name, bytes);
    interpreter.write(value.name, reference::from_bytes(bytes, value.dtype));
  }
}

}  // namespace

std::vector<NodeCheck> check_nodes(Executor& executor, const DeviceProfile& device,
                                   const Tape& tape, const CheckOptions& options) {
  Graph graph(tape.name, tape.element), kept(tape.name, tape.element);
  for (Graph* each : {&graph, &kept}) {
    each->stack_projections(prefers_stacked_projections(device));
    tape.record(*each);
  }
  std::vector<Node> fused;
  if (options.fused) fused = fuse(graph);
  const std::span<const Node> nodes = options.fused ? std::span<const Node>(fused) : graph.nodes();
  keep_results(kept, nodes);
  const std::unique_ptr<Stage> stage = executor.prepare(compile(kept, device));
  const Plan& plan = stage->plan();
  if (plan.nodes.size() != nodes.size()) {
    fail(tape.name, "{} nodes once their results are kept, {} before", plan.nodes.size(),
         nodes.size());
  }
  reference::Interpreter interpreter(graph);
  write_inputs(executor, interpreter, kept, tape);
  executor.wait(stage->submit());
  std::vector<NodeCheck> checks;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const reference::Answer expected = interpreter.answer(nodes[i]);
    const Value& value = kept.values()[nodes[i].output];
    reference::Numbers actual = read(executor, value);
    checks.push_back({plan.nodes[i].path, plan.nodes[i].op, plan.nodes[i].shapes,
                      kernels_of(plan, i),
                      reference::worst_difference(actual, expected, value.dtype)});
    if (options.stops_at_first && !checks.back().passed()) break;
    interpreter.write(nodes[i].output, std::move(actual));
  }
  return checks;
}

std::string to_text(const NodeCheck& check) {
  const reference::Difference& worst = check.worst;
  return fmt::format(
      "{} {} {} ({}): element {} is {:.9g}, expected {:.9g}, off by {:.2e}, "
      "allowed {:.2e}",
      check.path, check.op, check.shapes, fmt::join(check.kernels, " + "), worst.element,
      worst.actual, worst.expected, std::abs(worst.actual - worst.expected), worst.allowed);
}

}  // namespace kiln
