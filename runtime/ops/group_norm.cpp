// Group normalization, with a following silu.
#include <algorithm>
#include <memory>

#include "kernels/group_norm.h"
#include "kernels/group_norm_apply.h"
#include "kernels/group_statistics.h"
#include "runtime/ops/checks.h"
#include "runtime/ops/elementwise.h"
#include "runtime/ops/ops.h"
#include "runtime/ops/tuning.h"
#include "runtime/ops/units.h"

namespace kiln {
namespace {

// A part gives every lane of a workgroup some 32 elements; every lane then joins all parts.
constexpr std::uint64_t kPartElements = 8192;
constexpr std::uint32_t kMostParts = 32;
constexpr std::uint32_t kNoActivation = 0;  // of shaders/common/activation.glsl

class GroupNorm : public Op {
 public:
  GroupNorm(std::uint32_t groups, float epsilon) : groups_(groups), epsilon_(epsilon) {}

  std::string_view name() const override { return "group_norm"; }
  std::string details() const override { return activation_ == kNoActivation ? "" : "silu"; }

  std::vector<Parameter> parameters() const override {
    return {{"groups", double(groups_)},
            {"epsilon", double(epsilon_)},
            {"activation", double(activation_)}};
  }

  bool absorb(const Node& next, ValueId, std::vector<ValueId>&) override {
    const auto* unary = dynamic_cast<const Unary*>(next.op.get());
    if (activation_ != kNoActivation || unary == nullptr) return false;
    if (unary->function() != Unary::Function::silu) return false;
    activation_ = std::uint32_t(Unary::Function::silu);
    return true;
  }

  void lower(Lowering& to) const override {
    const Shape shape = to.output_shape();
    const std::uint64_t elements = std::uint64_t(shape.pixels()) * (shape.channels / groups_);
    const auto parts =
        std::uint32_t(std::min<std::uint64_t>(divide_up(elements, kPartElements), shape.pixels()));
    // Either way serves every size.
    const bool can_whole = to.may_use<kernels::group_norm>();
    const bool can_parts =
        to.may_use<kernels::group_statistics>() && to.may_use<kernels::group_norm_apply>();
    if (parts <= 1 ? can_whole || !can_parts : !can_parts && can_whole) {
      lower_whole(to);
    } else {
      lower_parts(to, std::uint32_t(divide_up(shape.pixels(), std::min(parts, kMostParts))));
    }
  }

 private:
  // A workgroup takes a whole group of an image.
  void lower_whole(Lowering& to) const {
    const Shape shape = to.output_shape();
    const std::uint32_t width = unit_width(shape.channels / groups_);
    const kernels::group_norm::Constants constants{
        .workgroup = workgroup_width(to.device(), norm_workgroup(to.device(), kPartElements)),
        .quads = width == 4,
        .activation = activation_};
    to.dispatch<kernels::group_norm>({to.input(0), to.input(1), to.input(2), to.output()},
                                     {.images = shape.batch,
                                      .pixels = shape.pixels(),
                                      .groups = groups_,
                                      .group_units = shape.channels / groups_ / width,
                                      .epsilon = epsilon_},
                                     constants, to.folded(std::uint64_t(shape.batch) * groups_));
  }

  // Groups are split by pixels: statistics of each part first, then each part with those of all.
  void lower_parts(Lowering& to, std::uint32_t part_pixels) const {
    const Shape shape = to.output_shape();
    const std::uint32_t width = unit_width(shape.channels / groups_);
    const std::uint32_t units = shape.channels / groups_ / width;
    const auto parts = std::uint32_t(divide_up(shape.pixels(), part_pixels));
    const std::uint64_t workgroups = std::uint64_t(shape.batch) * groups_ * parts;
    const std::uint32_t workgroup =
        workgroup_width(to.device(), norm_workgroup(to.device(), kPartElements));
    const Operand partials = to.scratch(align_up(workgroups * 2 * sizeof(float), 16));
    to.dispatch<kernels::group_statistics>({to.input(0), partials},
                                           {.images = shape.batch,
                                            .pixels = shape.pixels(),
                                            .groups = groups_,
                                            .group_units = units,
                                            .parts = parts,
                                            .part_pixels = part_pixels},
                                           {.workgroup = workgroup, .quads = width == 4},
                                           to.folded(workgroups));
    to.dispatch<kernels::group_norm_apply>(
        {to.input(0), to.input(1), to.input(2), partials, to.output()},
        {.images = shape.batch,
         .pixels = shape.pixels(),
         .groups = groups_,
         .group_units = units,
         .parts = parts,
         .part_pixels = part_pixels,
         .epsilon = epsilon_},
        {.workgroup = workgroup, .quads = width == 4, .activation = activation_},
        to.folded(workgroups));
  }

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
