// Runs one tape once: values in, values out, all float32 and channels last on the host.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/execution/executor.h"
#include "runtime/graph/graph.h"

namespace kiln::app {

struct TapeInput {
  Shape shape;
  DType dtype = DType::f32;  // f32, f16 or u32; values are converted
  std::vector<float> values;
};

struct TapeOutput {
  std::string path;  // of a watched module; "" for the result
  Shape shape;
  std::vector<float> values;
};

// record: makes the network from tensors in the order of inputs and returns its result.
// watch: which module outputs to return besides the result, which comes first.
std::vector<TapeOutput> run_tape(
    Executor& executor, DType element, const std::vector<TapeInput>& inputs,
    const std::function<Tensor(Graph&, const std::vector<Tensor>&)>& record,
    const std::function<bool(std::string_view)>& watch = {});

}  // namespace kiln::app
