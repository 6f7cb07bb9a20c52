// Tensor: a handle to a value of a Graph, two words wide.
#pragma once

#include <cstdint>
#include <string>

#include "runtime/graph/dtype.h"
#include "runtime/graph/shape.h"

namespace kiln {

class Graph;

using ValueId = std::uint32_t;
inline constexpr ValueId kNoValue = 0xffffffffu;

// Copyable; valid while its Graph lives. A default-made Tensor is "none": an absent operand.
class Tensor {
 public:
  Tensor() = default;
  Tensor(Graph& graph, ValueId id) : graph_(&graph), id_(id) {}

  explicit operator bool() const { return graph_ != nullptr; }
  Graph& graph() const { return *graph_; }
  ValueId id() const { return id_; }

  const Shape& shape() const;
  DType dtype() const;
  std::uint32_t channels() const { return shape().channels; }
  // Path of the node that made it (a checkpoint path), for messages.
  const std::string& path() const;

 private:
  Graph* graph_ = nullptr;
  ValueId id_ = kNoValue;
};

}  // namespace kiln
