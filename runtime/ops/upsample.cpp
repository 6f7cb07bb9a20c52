// Nearest-neighbour upsampling.
#include <memory>

#include "kernels/upsample_nearest.h"
#include "runtime/ops/checks.h"
#include "runtime/ops/ops.h"
#include "runtime/ops/units.h"

namespace kiln {
namespace {

class UpsampleNearest : public Op {
 public:
  std::string_view name() const override { return "upsample_nearest"; }

  void lower(Lowering& to) const override {
    const Shape from = to.shape(0), shape = to.output_shape();
    const std::uint32_t width = unit_width(shape.channels);
    const auto units = std::uint32_t(shape.elements() / width);
    const kernels::upsample_nearest::Constants constants{.quads = width == 4};
    to.dispatch<kernels::upsample_nearest>(
        {to.input(0), to.output()},
        {.units = units,
         .channel_units = shape.channels / width,
         .height_in = from.height,
         .width_in = from.width,
         .height_out = shape.height,
         .width_out = shape.width},
        constants, grid_of<kernels::upsample_nearest>(to, units, constants));
  }
};

}  // namespace

Tensor upsample_nearest(Tensor x, std::uint32_t height, std::uint32_t width,
                        std::string_view path) {
  const std::string place = place_of("upsample_nearest", path, x);
  require_element(place, "x", x);
  const Shape from = x.shape();
  if (height == 0 || width == 0) fail(place, "cannot make a picture of {} x {}", width, height);
  const Shape shape{from.batch, height, width, from.channels};
  return x.graph().record(std::make_unique<UpsampleNearest>(), {x}, shape, x.dtype(), path);
}

}  // namespace kiln
