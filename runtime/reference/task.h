// What a reference sees of a node: its operands as numbers, its shapes, its parameters.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "runtime/graph/graph.h"

namespace kiln::reference {

using Numbers = std::vector<double>;

// One node to compute. All are references: valid while the graph and the operands live.
struct Task {
  const Graph& graph;
  const Node& node;
  std::vector<const Numbers*> operands;  // one an input; weights as in their file, not packed

  std::size_t inputs() const { return operands.size(); }
  const Numbers& input(std::size_t index) const { return *operands.at(index); }
  const Value& value(std::size_t index) const { return graph.values()[node.inputs.at(index)]; }
  const Shape& shape(std::size_t index) const { return value(index).shape; }
  const Shape& output_shape() const { return graph.values()[node.output].shape; }

  // Of Op::parameters(). Throws Error naming the op when it has none of that name.
  double parameter(std::string_view name) const;
  std::uint32_t count(std::string_view name) const { return std::uint32_t(parameter(name)); }
};

// A result in double, and by how much each element may differ when it is computed in float32 in any
// order, before it is rounded to the storage type.
struct Answer {
  Numbers values;
  Numbers errors;
};

// Largest relative error of one rounding to float32.
inline constexpr double kUnit = 0x1p-24;

}  // namespace kiln::reference
