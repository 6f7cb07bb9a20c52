// Activations, scaling and addition.
#include "runtime/ops/elementwise.h"

#include <memory>

#include "kernels/add.h"
#include "kernels/unary.h"
#include "runtime/ops/checks.h"
#include "runtime/ops/ops.h"
#include "runtime/ops/units.h"

namespace kiln {

std::string Add::details() const {
  switch (broadcast_) {
    case Broadcast::none:
      return "";
    case Broadcast::per_image:
      return "to every pixel";
    case Broadcast::shared:
      return "to every pixel and image";
  }
  return "";
}

void Add::lower(Lowering& to) const {
  const Shape shape = to.output_shape();
  const bool broadcast = broadcast_ != Broadcast::none;
  const std::uint32_t width = broadcast ? unit_width(shape.channels) : 4;
  const std::uint32_t channel_units = shape.channels / width;
  const kernels::add::Args arguments{
      .units = broadcast ? std::uint32_t(shape.elements() / width) : quads_of(shape),
      .channel_units = channel_units,
      .image_units = shape.pixels() * channel_units,
      .image_stride = broadcast_ == Broadcast::per_image ? channel_units : 0};
  const kernels::add::Constants constants{.quads = width == 4, .broadcast = broadcast};
  to.dispatch<kernels::add>({to.input(0), to.input(1), to.output()}, arguments, constants,
                            grid_of<kernels::add>(to, arguments.units, constants));
}

std::string_view Unary::name() const {
  switch (function_) {
    case Function::silu:
      return "silu";
    case Function::gelu:
      return "gelu";
    case Function::quick_gelu:
      return "quick_gelu";
    case Function::scale:
      return "scale";
  }
  return "unary";
}

void Unary::lower(Lowering& to) const {
  const std::uint32_t quads = quads_of(to.output_shape());
  const kernels::unary::Constants constants{.function = std::uint32_t(function_)};
  to.dispatch<kernels::unary>({to.input(0), to.output()}, {.quads = quads, .factor = factor_},
                              constants, grid_of<kernels::unary>(to, quads, constants));
}

namespace {

Tensor unary(Tensor x, Unary::Function function, float factor, std::string_view path) {
  auto op = std::make_unique<Unary>(function, factor);
  require_element(place_of(op->name(), path, x), "x", x);
  const Shape shape = x.shape();
  return x.graph().record(std::move(op), {x}, shape, x.dtype(), path);
}

Add::Broadcast broadcast_of(const Shape& a, const Shape& b, std::string_view place) {
  if (a == b) return Add::Broadcast::none;
  if (b == Shape{a.batch, 1, 1, a.channels}) return Add::Broadcast::per_image;
  if (b == Shape{1, 1, 1, a.channels}) return Add::Broadcast::shared;
  fail(place, "cannot add {} to {}: expected the same extents, or one row of channels", to_text(b),
       to_text(a));
}

}  // namespace

Tensor silu(Tensor x, std::string_view path) { return unary(x, Unary::Function::silu, 1.0f, path); }

Tensor gelu(Tensor x, std::string_view path) { return unary(x, Unary::Function::gelu, 1.0f, path); }

Tensor quick_gelu(Tensor x, std::string_view path) {
  return unary(x, Unary::Function::quick_gelu, 1.0f, path);
}

Tensor scale(Tensor x, float factor, std::string_view path) {
  return unary(x, Unary::Function::scale, factor, path);
}

Tensor add(Tensor a, Tensor b, std::string_view path) {
  const std::string place = place_of("add", path, a);
  require_element(place, "a", a);
  require_element(place, "b", b);
  const Shape shape = a.shape();
  auto op = std::make_unique<Add>(broadcast_of(shape, b.shape(), place));
  return a.graph().record(std::move(op), {a, b}, shape, a.dtype(), path);
}

}  // namespace kiln
