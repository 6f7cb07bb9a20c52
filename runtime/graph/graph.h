// Graph: the tape. Calling an operation appends a node; nothing runs.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/graph/op.h"
#include "runtime/graph/tensor.h"
#include "runtime/graph/weight_data.h"

namespace kiln {

// Who besides kernels touches a persistent tensor.
enum class Traffic : std::uint8_t {
  device_only,
  host_writes,  // small inputs: token ids, the step table
  host_reads,   // results: the picture
};

struct Value {
  enum class Kind : std::uint8_t { transient, persistent, weight };
  Kind kind = Kind::transient;
  Shape shape;
  DType dtype = DType::f32;
  std::string name{};  // persistent: the name stages share; weight: its full path
  Traffic traffic = Traffic::device_only;
  std::uint32_t weight = 0;              // weight: index into Graph::weights()
  std::uint32_t producer = 0xffffffffu;  // index of the node whose result this is
};

struct Node {
  std::unique_ptr<Op> op;
  std::vector<ValueId> inputs;  // values read, or written in place by an effect
  ValueId output = kNoValue;    // none for an effect
  std::string path;             // a checkpoint path such as "unet.mid_block.resnets.0.conv1"
};

// Values and nodes in execution order. Shapes are static; there is no control flow.
class Graph {
 public:
  // element: storage type of activations and weights, f32 or f16.
  Graph(std::string name, DType element);
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  const std::string& name() const { return name_; }
  DType element() const { return element_; }

  // A named tensor that outlives the plan and is shared by stages. Asking again for a name returns
  // the same tensor; another shape or type under that name throws Error.
  Tensor persistent(std::string_view name, Shape shape, DType dtype,
                    Traffic traffic = Traffic::device_only);

  // A weight. Its shape is [1, 1, 1, elements]; the op that reads it knows its dims.
  // The same name twice is the same value.
  Tensor constant(WeightData data);

  // Appends a node with one result. path names it; empty: the path of its first input.
  Tensor record(std::unique_ptr<Op> op, std::vector<Tensor> inputs, Shape shape, DType dtype,
                std::string_view path = {});

  // Appends a node that writes persistent tensors in place (its kernels say which).
  void record_effect(std::unique_ptr<Op> op, std::vector<Tensor> inputs,
                     std::string_view path = {});

  // Makes a transient value a persistent tensor with this name: a stage's result.
  // Throws Error if it is not the result of a node of this graph.
  Tensor keep(Tensor value, std::string_view name, Traffic traffic = Traffic::device_only);

  // Tells the graph that `value` is the output of the module at `path`. When watch() accepts the
  // path, the value is kept as a persistent tensor and listed in taps(), so that it can be read.
  Tensor mark(Tensor value, std::string_view path);
  void watch(std::function<bool(std::string_view path)> wanted) { watch_ = std::move(wanted); }
  bool is_watched(std::string_view path) const { return watch_ && watch_(path); }

  // Operations recorded from now on may make large results in bands, together with the operation
  // that reads them, so that they need never be whole: less memory for more dispatches.
  void work_in_bands(bool wanted) { in_bands_ = wanted; }
  bool in_bands() const { return in_bands_; }

  // Layers recorded from now on may make several products of the same rows as one, whose weight is
  // theirs one after the other (Weights::stacked). What a device prefers: ops/device_class.h.
  void stack_projections(bool wanted) { stacks_projections_ = wanted; }
  bool stacks_projections() const { return stacks_projections_; }

  struct Tap {
    std::string path;        // of the module
    std::string persistent;  // name of the tensor that holds its output
    Shape shape;
  };
  const std::vector<Tap>& taps() const { return taps_; }

  const std::vector<Value>& values() const { return values_; }
  const std::vector<Node>& nodes() const { return nodes_; }
  const std::vector<WeightData>& weights() const { return weights_; }
  // Extents of a weight as in its file. Throws Error for a tensor that is no weight.
  const std::vector<std::int64_t>& dims_of(Tensor weight) const;

 private:
  friend class Fuser;

  ValueId add_value(Value value);
  ValueId check_mine(const Tensor& tensor, std::string_view what) const;

  std::string name_;
  DType element_;
  std::vector<Value> values_;
  std::vector<Node> nodes_;
  std::vector<WeightData> weights_;
  std::map<std::string, ValueId, std::less<>> persistent_;
  std::map<std::string, ValueId, std::less<>> constant_;
  std::function<bool(std::string_view)> watch_;
  std::vector<Tap> taps_;
  bool in_bands_ = false;
  bool stacks_projections_ = false;
};

}  // namespace kiln
