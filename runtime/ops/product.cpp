// Linear layers and convolutions: one lowering, through the list of matmul candidates.
#include "runtime/ops/product.h"

#include <algorithm>

#include "runtime/ops/elementwise.h"
#include "runtime/ops/matmul_candidates.h"

namespace kiln {

std::string Product::details() const {
  static constexpr const char* kActivations[] = {"", " silu", " gelu", " quick_gelu"};
  return fmt::format("k{} s{}{}{}", form_.kernel, form_.stride, addend_ != 0 ? " add" : "",
                     kActivations[activation_]);
}

std::vector<Parameter> Product::parameters() const {
  return {{"kernel", double(form_.kernel)},   {"stride", double(form_.stride)},
          {"padding", double(form_.padding)}, {"bias", double(form_.has_bias)},
          {"addend", double(addend_)},        {"activation", double(activation_)}};
}

bool Product::absorb(const Node& next, ValueId mine, std::vector<ValueId>& inputs) {
  if (activation_ != 0) return false;  // nothing follows an activation in one kernel
  if (const auto* unary = dynamic_cast<const Unary*>(next.op.get())) {
    if (unary->function() == Unary::Function::scale) return false;
    activation_ = std::uint32_t(unary->function());
    return true;
  }
  const auto* add = dynamic_cast<const Add*>(next.op.get());
  if (add == nullptr || addend_ != 0) return false;
  const bool mine_is_first = next.inputs[0] == mine;
  if (add->broadcast() != Add::Broadcast::none && !mine_is_first) return false;
  addend_ = inputs.size();
  addend_broadcast_ = add->broadcast();
  inputs.push_back(next.inputs[mine_is_first ? 1 : 0]);
  return true;
}

void Product::lower(Lowering& to) const {
  const Shape x = to.shape(0), y = to.output_shape();
  MatmulProblem problem;
  problem.rows = y.rows();
  problem.inputs = x.channels;
  problem.outputs = y.channels;
  problem.in_height = x.height;
  problem.in_width = x.width;
  problem.out_height = y.height;
  problem.out_width = y.width;
  problem.kernel = form_.kernel;
  problem.stride = form_.stride;
  problem.padding = form_.padding;
  problem.has_bias = form_.has_bias;
  problem.activation = activation_;
  problem.addend_input = addend_;
  if (addend_ != 0) {
    switch (addend_broadcast_) {
      case Add::Broadcast::none:
        problem.addend_rows = 1;
        break;
      case Add::Broadcast::per_image:
        problem.addend_rows = y.pixels();
        break;
      case Add::Broadcast::shared:
        problem.addend_rows = 0;
        break;
    }
  }
  lower_matmul(to, problem);
}

}  // namespace kiln
