// Pictures as bytes, and conversions between float32 and the element type.
#include <memory>

#include "kernels/to_element.h"
#include "kernels/to_float.h"
#include "kernels/to_rgb8.h"
#include "kernels/to_rgb8_float.h"
#include "runtime/ops/checks.h"
#include "runtime/ops/ops.h"
#include "runtime/ops/units.h"

namespace kiln {
namespace {

// One launch of a kernel that reads x and writes the result, four elements an invocation.
template <typename K>
void dispatch_quads(Lowering& to) {
  const std::uint32_t quads = quads_of(to.output_shape());
  to.dispatch<K>({to.input(0), to.output()}, {.quads = quads}, {}, grid_of<K>(to, quads, {}));
}

class ToRgb8 : public Op {
 public:
  std::string_view name() const override { return "to_rgb8"; }
  void lower(Lowering& to) const override {
    if (to.dtype(0) == to.element()) {
      dispatch_quads<kernels::to_rgb8>(to);
    } else {
      dispatch_quads<kernels::to_rgb8_float>(to);
    }
  }
};

class ToElement : public Op {
 public:
  std::string_view name() const override { return "to_element"; }
  void lower(Lowering& to) const override { dispatch_quads<kernels::to_element>(to); }
};

class ToFloat : public Op {
 public:
  std::string_view name() const override { return "to_float"; }
  void lower(Lowering& to) const override { dispatch_quads<kernels::to_float>(to); }
};

}  // namespace

Tensor to_rgb8(Tensor rgb, std::string_view path) {
  const std::string place = place_of("to_rgb8", path, rgb);
  if (!rgb || rgb.dtype() != DType::f32) require_element(place, "rgb", rgb);
  const Shape shape = rgb.shape();
  if (shape.channels != 3) fail(place, "rgb has {} channels, expected 3", shape.channels);
  return rgb.graph().record(std::make_unique<ToRgb8>(), {rgb}, shape, DType::u8, path);
}

Tensor to_element(Tensor x, std::string_view path) {
  require_type(place_of("to_element", path, x), "x", x, DType::f32);
  const Shape shape = x.shape();
  return x.graph().record(std::make_unique<ToElement>(), {x}, shape, x.graph().element(), path);
}

Tensor to_float(Tensor x, std::string_view path) {
  require_element(place_of("to_float", path, x), "x", x);
  const Shape shape = x.shape();
  return x.graph().record(std::make_unique<ToFloat>(), {x}, shape, DType::f32, path);
}

}  // namespace kiln
