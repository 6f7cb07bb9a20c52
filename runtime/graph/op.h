// Op: what one node of the tape does. Ops know how to lower themselves and what they can absorb.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/graph/tensor.h"

namespace kiln {

class Lowering;
struct Node;

// A parameter of an op by name: a count, a flag or a factor, exactly.
struct Parameter {
  std::string_view name;
  double value = 0.0;
};

// Stateless but for its parameters (strides, counts, flags), which are set when it is recorded and
// by absorb().
class Op {
 public:
  virtual ~Op() = default;

  virtual std::string_view name() const = 0;

  // Turns this op into dispatches (and scratch requests).
  virtual void lower(Lowering& to) const = 0;

  // Called when `next` is the only consumer of this op's result `mine`. Returns true after taking
  // over next's work; other operands of next that are now needed are appended to `inputs`.
  // Must leave itself and inputs unchanged when it returns false.
  virtual bool absorb(const Node& next, ValueId mine, std::vector<ValueId>& inputs);

  // What the result depends on besides operands and their shapes, with what was absorbed: all that
  // another implementation of this op (runtime/reference) has to know.
  virtual std::vector<Parameter> parameters() const { return {}; }

  // Parameters worth printing in a plan, e.g. "k3 s2 silu"; may be empty.
  virtual std::string details() const { return {}; }
};

}  // namespace kiln
