// Runs a tape on a device with every value kept, and compares node by node with the interpreter.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "runtime/execution/executor.h"
#include "runtime/graph/graph.h"
#include "runtime/reference/interpreter.h"

namespace kiln {

// A tape that can be recorded several times, and what the host writes into it.
struct Tape {
  std::string name;
  DType element = DType::f32;
  std::function<void(Graph&)> record = {};                // the same nodes each time
  std::map<std::string, reference::Numbers> inputs = {};  // by name of the persistent tensor
};

// One node on the device against its reference, which was given the device's own operands: an error
// made earlier on the tape is not counted again.
struct NodeCheck {
  std::string path, op, shapes;      // as PlannedNode
  std::vector<std::string> kernels;  // each once, in order of dispatch
  reference::Difference worst;
  bool passed() const { return worst.within(); }
};

struct CheckOptions {
  bool fused = true;            // false: nothing is taken over, as the tape was recorded
  bool stops_at_first = false;  // at the first node that differs
};

// device: that of the executor; it may ask for kernels to be avoided. Recorded is what it prefers
// (Graph::stack_projections). Every value takes memory of
// its own, so this says nothing about the memory and barrier plans. Throws Error as compile() and
// Executor::prepare() do, and naming an operation that has no reference.
std::vector<NodeCheck> check_nodes(Executor& executor, const DeviceProfile& device,
                                   const Tape& tape, const CheckOptions& options = {});

// "unet.conv_in conv2d k3 s1 (matmul/matmul), element 17 is 0.1, expected 0.2, off by 9e-2, allowed
// 1e-6": one line.
std::string to_text(const NodeCheck& check);

}  // namespace kiln
