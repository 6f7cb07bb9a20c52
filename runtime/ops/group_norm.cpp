// Group normalization, with a following silu.
#include <memory>

#include "kernels/group_norm.h"
#include "runtime/ops/checks.h"
#include "runtime/ops/elementwise.h"
#include "runtime/ops/ops.h"
#include "runtime/ops/units.h"

namespace kiln {
namespace {

constexpr std::uint32_t kNoActivation = 0;  // of shaders/common/activation.glsl

class GroupNorm : public Op {
 public:
  GroupNorm(std::uint32_t groups, float epsilon) : groups_(groups), epsilon_(epsilon) {}

  std::string_view name() const override { return "group_norm"; }
  std::string details() const override { return activation_ == kNoActivation ? "" : "silu"; }

  bool absorb(const Node& next, ValueId, std::vector<ValueId>&) override {
    const auto* unary = dynamic_cast<const Unary*>(next.op.get());
    if (activation_ != kNoActivation || unary == nullptr) return false;
    if (unary->function() != Unary::Function::silu) return false;
    activation_ = std::uint32_t(Unary::Function::silu);
    return true;
  }

  void lower(Lowering& to) const override {
    const Shape shape = to.output_shape();
    const std::uint32_t group_channels = shape.channels / groups_;
    const std::uint32_t width = unit_width(group_channels);
    const kernels::group_norm::Constants constants{.workgroup = workgroup_width(to.device(), 256),
                                                   .quads = width == 4,
                                                   .activation = activation_};
    to.dispatch<kernels::group_norm>({to.input(0), to.input(1), to.input(2), to.output()},
                                     {.images = shape.batch,
                                      .pixels = shape.pixels(),
                                      .groups = groups_,
                                      .group_units = group_channels / width,
                                      .epsilon = epsilon_},
                                     constants, to.folded(std::uint64_t(shape.batch) * groups_));
  }

 private:
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
  return x.graph().record(std::make_unique<GroupNorm>(groups, epsilon), {x, scale, shift}, shape,
                          x.dtype(), path);
}

}  // namespace kiln
