// Interpreter: runs a tape node by node on the CPU, in double.
#pragma once

#include <map>
#include <span>
#include <string_view>
#include <vector>

#include "runtime/reference/references.h"

namespace kiln::reference {

// Needs no device. Weights are read when a node needs them and forgotten after it, so that large
// models fit into memory.
class Interpreter {
 public:
  // graph: outlives the interpreter. Its nodes may have been taken out by fuse().
  explicit Interpreter(const Graph& graph) : graph_(graph) {}

  // The contents of a value, such as a persistent tensor that the host fills. Throws Error when
  // the count is not that of its shape.
  void write(ValueId id, Numbers values);
  void write(std::string_view persistent, Numbers values);

  // What the node makes of the values held now, not rounded. Throws Error naming the operation that
  // has no reference, the operand that holds nothing, or an op that writes tensors in place.
  Answer answer(const Node& node) const;

  // Runs the nodes in order; every result is rounded as its storage type rounds.
  void run(std::span<const Node> nodes);

  const Numbers& values(ValueId id) const;
  const Numbers& values(std::string_view persistent) const { return values(find(persistent)); }

 private:
  ValueId find(std::string_view persistent) const;
  Numbers weight(const Value& value) const;

  const Graph& graph_;
  std::map<ValueId, Numbers> values_;
};

// A number as the storage type holds it: nearest even; 16-bit floats saturate at 65504.
double stored(double value, DType type);

// Numbers to bytes as a device holds them, and back. type: f32, f16, u32 or u8.
std::vector<std::byte> to_bytes(std::span<const double> values, DType type);
Numbers from_bytes(std::span<const std::byte> bytes, DType type);

// The element that is furthest off, in parts of what it may be off.
struct Difference {
  std::size_t element = 0;
  double actual = 0.0, expected = 0.0, allowed = 0.0;
  double ratio = 0.0;  // |actual - expected| / allowed; above 1 is wrong, NaN counts as infinite
  bool within() const { return ratio <= 1.0; }
};

// Allowed: the answer's error and what storing the expected number loses.
Difference worst_difference(std::span<const double> actual, const Answer& expected, DType type);

}  // namespace kiln::reference
