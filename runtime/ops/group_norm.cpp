// Group normalization, with a following silu.
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "runtime/ops/bands.h"
#include "runtime/ops/checks.h"
#include "runtime/ops/elementwise.h"
#include "runtime/ops/group_norm_steps.h"
#include "runtime/ops/ops.h"
#include "runtime/ops/product.h"

namespace kiln {
namespace {

constexpr std::uint32_t kNoActivation = 0;  // of shaders/common/activation.glsl

class GroupNorm : public Op {
 public:
  GroupNorm(const Shape& shape, bool in_bands, std::uint32_t groups, float epsilon)
      : shape_(shape), in_bands_(in_bands), groups_(groups), epsilon_(epsilon) {}

  std::string_view name() const override { return product_ ? "group_norm_conv2d" : "group_norm"; }
  std::string details() const override {
    const std::string own = activation_ == kNoActivation ? "" : "silu";
    return product_ ? own + " " + product_->details() : own;
  }

  std::vector<Parameter> parameters() const override {
    return {{"groups", double(groups_)},
            {"epsilon", double(epsilon_)},
            {"activation", double(activation_)}};
  }

  // Takes over a silu, and to work in bands the convolution that reads the result.
  bool absorb(const Node& next, ValueId mine, std::vector<ValueId>& inputs) override {
    if (product_) return product_->absorb(next, mine, inputs);
    const auto* product = dynamic_cast<const Product*>(next.op.get());
    if (product != nullptr) return absorb_product(*product, next, mine, inputs);
    const auto* unary = dynamic_cast<const Unary*>(next.op.get());
    if (activation_ != kNoActivation || unary == nullptr) return false;
    if (unary->function() != Unary::Function::silu) return false;
    activation_ = std::uint32_t(Unary::Function::silu);
    return true;
  }

  void lower(Lowering& to) const override {
    GroupNormSteps steps(to, {.shape = shape_,
                              .groups = groups_,
                              .epsilon = epsilon_,
                              .activation = activation_,
                              .scale_input = scale_});
    if (product_) return lower_with_product(to, steps);
    steps.normalize();
  }

 private:
  bool absorb_product(const Product& product, const Node& next, ValueId mine,
                      std::vector<ValueId>& inputs) {
    if (!in_bands_ || next.inputs[0] != mine || shape_.batch != 1 || !worth_bands(shape_)) {
      return false;
    }
    product_ = product;
    // The product finds its operands where it expects them; scale and shift come behind.
    std::vector<ValueId> joined = {inputs[0]};
    joined.insert(joined.end(), next.inputs.begin() + 1, next.inputs.end());
    scale_ = joined.size();
    joined.insert(joined.end(), inputs.begin() + 1, inputs.end());
    inputs = std::move(joined);
    return true;
  }

  void lower_with_product(Lowering& to, GroupNormSteps& steps) const {
    steps.statistics();
    const std::uint32_t multiple = aligned_lines(to, line_bytes(shape_, to.element()));
    lower_with_bands_of_x(
        to, *product_, shape_, multiple,
        [&](std::uint32_t first, std::uint32_t count, const Operand& lines) {
          steps.apply(steps.band_of(std::uint64_t(first) * shape_.width, count * shape_.width),
                      lines);
        });
  }

  Shape shape_;
  bool in_bands_;
  std::size_t scale_ = 1;  // which input; shift follows
  std::optional<Product> product_;
  std::uint32_t groups_;
  float epsilon_;
  std::uint32_t activation_ = kNoActivation;
};

}  // namespace

Tensor group_norm(Tensor x, Tensor scale, Tensor shift, std::uint32_t groups, float epsilon,
                  std::string_view path) {
  const std::string place = place_of("group_norm", path, x);
  require_element(place, "x", x);
  const Shape shape = x.shape();
  require_vector(place, "scale", scale, shape.channels);
  require_vector(place, "shift", shift, shape.channels);
  if (groups == 0 || shape.channels % groups != 0) {
    fail(place, "{} channels cannot be split into {} groups", shape.channels, groups);
  }
  return x.graph().record(std::make_unique<GroupNorm>(shape, x.graph().in_bands(), groups, epsilon),
                          {x, scale, shift}, shape, x.dtype(), path);
}

}  // namespace kiln
