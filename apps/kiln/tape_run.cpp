// One tape, one submission.
#include "apps/kiln/tape_run.h"

#include <fmt/format.h>

#include "models/pipeline/host_data.h"
#include "runtime/graph/plan.h"
#include "runtime/ops/device_class.h"

namespace kiln::app {
namespace {

void write_input(Executor& executor, const std::string& name, const TapeInput& input) {
  if (input.dtype != DType::u32) {
    executor.write(name, to_bytes(input.values, input.dtype));
    return;
  }
  executor.write_values(name, std::vector<std::uint32_t>(input.values.begin(), input.values.end()));
}

TapeOutput read_output(Executor& executor, const std::string& path, const std::string& name,
                       const Shape& shape, DType dtype) {
  std::vector<std::byte> bytes(shape.elements() * size_bytes(dtype));
  executor.read(name, bytes);
  return {path, shape, from_bytes(bytes, dtype)};
}

}  // namespace

std::vector<TapeOutput> run_tape(
    Executor& executor, DType element, const std::vector<TapeInput>& inputs,
    const std::function<Tensor(Graph&, const std::vector<Tensor>&)>& record,
    const std::function<bool(std::string_view)>& watch) {
  Graph graph("verify", element);
  if (watch) graph.watch(watch);
  graph.stack_projections(prefers_stacked_projections(executor.profile()));
  std::vector<Tensor> tensors;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    tensors.push_back(graph.persistent(fmt::format("verify.input.{}", i), inputs[i].shape,
                                       inputs[i].dtype, Traffic::host_writes));
  }
  const Tensor result = graph.keep(record(graph, tensors), "verify.result", Traffic::host_reads);
  const std::vector<Graph::Tap> taps = graph.taps();
  const Shape shape = result.shape();
  const DType dtype = result.dtype();
  const auto stage = executor.prepare(compile(graph, executor.profile()));
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    write_input(executor, fmt::format("verify.input.{}", i), inputs[i]);
  }
  executor.wait(stage->submit());
  std::vector<TapeOutput> outputs = {read_output(executor, "", "verify.result", shape, dtype)};
  for (const Graph::Tap& tap : taps) {
    outputs.push_back(read_output(executor, tap.path, tap.persistent, tap.shape, element));
  }
  return outputs;
}

}  // namespace kiln::app
