// Group normalization, with a following silu.
#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "kernels/group_norm.h"
#include "kernels/group_norm_apply.h"
#include "kernels/group_statistics.h"
#include "runtime/base/align.h"
#include "runtime/ops/bands.h"
#include "runtime/ops/checks.h"
#include "runtime/ops/elementwise.h"
#include "runtime/ops/ops.h"
#include "runtime/ops/product.h"
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
    const Shape shape = to.shape(0);
    const std::uint64_t elements = std::uint64_t(shape.pixels()) * (shape.channels / groups_);
    const auto parts =
        std::uint32_t(std::min<std::uint64_t>(divide_up(elements, kPartElements), shape.pixels()));
    if (product_) return lower_with_product(to, part_of(to, std::min(parts, kMostParts)));
    // Either way serves every size.
    const bool can_whole = to.may_use<kernels::group_norm>();
    const bool can_parts =
        to.may_use<kernels::group_statistics>() && to.may_use<kernels::group_norm_apply>();
    if (parts <= 1 ? can_whole || !can_parts : !can_parts && can_whole) {
      lower_whole(to);
    } else {
      lower_parts(to, part_of(to, std::min(parts, kMostParts)));
    }
  }

 private:
  // How an image's pixels are split for the statistics: a workgroup takes a part of a group.
  struct Parts {
    std::uint32_t count = 1, pixels = 0;
  };

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

  std::uint32_t unit() const { return unit_width(shape_.channels / groups_); }
  std::uint32_t units() const { return shape_.channels / groups_ / unit(); }
  std::uint64_t pixel_bytes(const Lowering& to) const {
    return std::uint64_t(shape_.channels) * size_bytes(to.element());
  }
  std::uint32_t workgroup(const Lowering& to) const {
    return workgroup_width(to.device(), norm_workgroup(to.device(), kPartElements));
  }
  bool is_cut(const Lowering& to) const {
    return to.exceeds_binding(shape_.elements() * size_bytes(to.element()));
  }

  // Parts of a picture that is too large to bind begin where bindings may.
  Parts part_of(const Lowering& to, std::uint32_t count) const {
    std::uint64_t pixels = divide_up(shape_.pixels(), count);
    if (is_cut(to)) {
      const std::uint64_t multiple = aligned_lines(to, pixel_bytes(to));
      const std::uint64_t most = to.device().max_binding_bytes / pixel_bytes(to);
      pixels = align_up(std::min(pixels, most - std::min(most, multiple)), multiple);
    }
    return {std::uint32_t(divide_up(shape_.pixels(), pixels)), std::uint32_t(pixels)};
  }

  // A workgroup takes a whole group of an image.
  void lower_whole(Lowering& to) const {
    const Shape shape = to.shape(0);
    const std::uint32_t width = unit_width(shape.channels / groups_);
    const kernels::group_norm::Constants constants{
        .workgroup = workgroup_width(to.device(), norm_workgroup(to.device(), kPartElements)),
        .quads = width == 4,
        .activation = activation_};
    to.dispatch<kernels::group_norm>(
        {to.input(0), to.input(scale_), to.input(scale_ + 1), to.output()},
        {.images = shape.batch,
         .pixels = shape.pixels(),
         .groups = groups_,
         .group_units = shape.channels / groups_ / width,
         .epsilon = epsilon_},
        constants, to.folded(std::uint64_t(shape.batch) * groups_));
  }

  // Pixels [first, first + count) of an image.
  Operand pixels_of(const Lowering& to, Operand value, std::uint32_t image, std::uint64_t first,
                    std::uint64_t count) const {
    value.offset_bytes = (std::uint64_t(image) * shape_.pixels() + first) * pixel_bytes(to);
    value.size_bytes = count * pixel_bytes(to);
    return value;
  }

  // What is bound at once: all images, or some whole parts of one.
  struct Piece {
    std::uint32_t images = 1, image = 0, first_part = 0, parts = 0, pixels = 0;
    Operand x = {}, first_pixel = {};
    std::uint32_t first_stride = 0;
  };

  std::vector<Piece> pieces_of(const Lowering& to, const Parts& parts) const {
    const Operand x = to.input(0);
    if (!is_cut(to)) {
      return {{.images = shape_.batch,
               .parts = parts.count,
               .pixels = shape_.pixels(),
               .x = x,
               .first_pixel = x,
               .first_stride = shape_.pixels() * shape_.channels}};
    }
    const std::uint64_t part_bytes = parts.pixels * pixel_bytes(to);
    const auto most =
        std::uint32_t(std::max<std::uint64_t>(to.device().max_binding_bytes / part_bytes, 1));
    std::vector<Piece> pieces;
    for (std::uint32_t image = 0; image < shape_.batch; ++image) {
      for (std::uint32_t first = 0; first < parts.count; first += most) {
        Piece piece{.image = image, .first_part = first};
        piece.parts = std::min(most, parts.count - first);
        const std::uint32_t begin = first * parts.pixels;
        piece.pixels = std::min(piece.parts * parts.pixels, shape_.pixels() - begin);
        piece.x = pixels_of(to, x, image, begin, piece.pixels);
        piece.first_pixel = pixels_of(to, x, image, 0, 1);
        pieces.push_back(piece);
      }
    }
    return pieces;
  }

  Operand statistics(Lowering& to, const Parts& parts) const {
    const Operand partials = to.scratch(
        align_up(std::uint64_t(shape_.batch) * groups_ * parts.count * 2 * sizeof(float), 16));
    for (const Piece& piece : pieces_of(to, parts)) {
      to.dispatch<kernels::group_statistics>(
          {piece.x, piece.first_pixel, partials},
          {.images = piece.images,
           .pixels = piece.pixels,
           .groups = groups_,
           .group_units = units(),
           .parts = parts.count,
           .part_pixels = parts.pixels,
           .first_part = piece.first_part,
           .runs = piece.parts,
           .first_group = piece.image * groups_,
           .first_stride = piece.first_stride},
          {.workgroup = workgroup(to), .quads = unit() == 4},
          to.folded(std::uint64_t(piece.images) * groups_ * piece.parts));
    }
    return partials;
  }

  void apply(Lowering& to, const Parts& parts, const Operand& partials, const Piece& piece,
             const Operand& y) const {
    to.dispatch<kernels::group_norm_apply>(
        {piece.x, to.input(scale_), to.input(scale_ + 1), partials, piece.first_pixel, y},
        {.images = piece.images,
         .pixels = shape_.pixels(),
         .groups = groups_,
         .group_units = units(),
         .parts = parts.count,
         .part_pixels = parts.pixels,
         .band_pixels = piece.pixels,
         .runs = piece.parts,
         .run_pixels = parts.pixels,
         .first_group = piece.image * groups_,
         .first_stride = piece.first_stride,
         .epsilon = epsilon_},
        {.workgroup = workgroup(to), .quads = unit() == 4, .activation = activation_},
        to.folded(std::uint64_t(piece.images) * groups_ * piece.parts));
  }

  // Statistics of each part first, then each part with those of all.
  void lower_parts(Lowering& to, const Parts& parts) const {
    const Operand partials = statistics(to, parts);
    for (const Piece& piece : pieces_of(to, parts)) {
      const Operand y = is_cut(to) ? pixels_of(to, to.output(), piece.image,
                                               piece.first_part * parts.pixels, piece.pixels)
                                   : to.output();
      apply(to, parts, partials, piece, y);
    }
  }

  void lower_with_product(Lowering& to, const Parts& parts) const {
    const Operand x = to.input(0), partials = statistics(to, parts);
    const std::uint32_t multiple = aligned_lines(to, line_bytes(shape_, to.element()));
    lower_with_bands_of_x(to, *product_, shape_, multiple,
                          [&](std::uint32_t first, std::uint32_t count, const Operand& lines) {
                            Piece piece;
                            piece.pixels = count * shape_.width;
                            piece.parts = std::uint32_t(divide_up(piece.pixels, parts.pixels));
                            piece.x = pixels_of(to, x, 0, std::uint64_t(first) * shape_.width,
                                                piece.pixels);
                            piece.first_pixel = pixels_of(to, x, 0, 0, 1);
                            apply(to, parts, partials, piece, lines);
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
