// Plan: everything a stage will do on a device, as data. compile() makes it from a tape.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/graph/device_profile.h"
#include "runtime/graph/dispatch.h"
#include "runtime/graph/graph.h"
#include "runtime/graph/lowering.h"
#include "runtime/graph/streaming.h"

namespace kiln {

struct PlannedPersistent {
  std::string name;
  Shape shape;
  DType dtype = DType::f32;
  Traffic traffic = Traffic::device_only;
  std::uint64_t size_bytes = 0;
};

struct PlannedNode {
  std::string path;
  std::string op;           // name and details
  std::string shapes = {};  // "2x8x8x32, 64x32 -> 2x8x8x64": operands as declared, then the result
};

struct Plan {
  std::string name;
  DType element = DType::f32;
  std::vector<Dispatch> dispatches;
  std::vector<PlannedNode> nodes;
  std::vector<PlannedProblem> problems;
  std::vector<PlannedPersistent> persistents;
  std::vector<WeightData> sources;     // weights as the model declared them
  std::vector<PlannedWeight> weights;  // as kernels read them
  std::vector<Upload> uploads;         // in the order of their dispatches; awaited ones first
  std::uint64_t arena_bytes = 0;
  std::uint64_t live_peak_bytes = 0;
  std::uint64_t sum_bytes = 0;  // of transients, without sharing
  std::uint32_t barriers = 0;
  std::uint32_t recorded_nodes = 0;  // before fusion

  std::uint64_t weight_elements() const;  // as declared, i.e. the model's parameter count
  std::uint64_t weight_bytes() const;     // as packed
  std::uint64_t streamed_bytes() const;   // of them in host memory
  std::uint64_t flops() const;
  // One line a dispatch, then totals. What `kiln plan` prints.
  std::string to_text() const;
};

// Runs the four passes: fuse, lower, memory, barriers. Consumes the graph's tape.
// Throws Error naming the tensor that exceeds a limit of the device. wanted: an operation that
// has this kernel among its candidates takes it wherever it and its tile fit, so that tests reach
// each of them. streaming: which weights stay in host memory.
Plan compile(Graph& graph, const DeviceProfile& device, const KernelChoice& wanted = {},
             const Streaming& streaming = {});

}  // namespace kiln
