// Product: a linear layer or a convolution, and what it can take over from its consumer.
#pragma once

#include "runtime/graph/lowering.h"
#include "runtime/ops/elementwise.h"
#include "runtime/ops/ops.h"

namespace kiln {

// y = activation(x * weight + bias + addend). Inputs: x, weight, then bias and addend if present.
// A linear layer is a convolution with one tap.
class Product : public Op {
 public:
  struct Form {
    std::uint32_t kernel = 1, stride = 1, padding = 0;  // padding: above and on the left
    bool has_bias = false;
    bool is_convolution = false;
  };
  explicit Product(const Form& form) : form_(form) {}

  std::string_view name() const override { return form_.is_convolution ? "conv2d" : "linear"; }
  std::string details() const override;
  std::vector<Parameter> parameters() const override;
  void lower(Lowering& to) const override;
  // Takes over an Add (whose other operand becomes the addend) and an activation.
  bool absorb(const Node& next, ValueId mine, std::vector<ValueId>& inputs) override;

 private:
  Form form_;
  std::size_t addend_ = 0;  // which input; 0: none
  Add::Broadcast addend_broadcast_ = Add::Broadcast::none;
  std::uint32_t activation_ = 0;
};

}  // namespace kiln
