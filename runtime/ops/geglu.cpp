// The gated activation of the feed-forward layers.
#include <memory>

#include "kernels/geglu.h"
#include "runtime/ops/checks.h"
#include "runtime/ops/ops.h"
#include "runtime/ops/units.h"

namespace kiln {
namespace {

class Geglu : public Op {
 public:
  std::string_view name() const override { return "geglu"; }

  void lower(Lowering& to) const override {
    const Shape shape = to.output_shape();
    const std::uint32_t width = unit_width(shape.channels);
    const auto units = std::uint32_t(shape.elements() / width);
    const kernels::geglu::Constants constants{.quads = width == 4};
    to.dispatch<kernels::geglu>({to.input(0), to.output()},
                                {.units = units, .channel_units = shape.channels / width},
                                constants, grid_of<kernels::geglu>(to, units, constants));
  }
};

}  // namespace

Tensor geglu(Tensor x, std::string_view path) {
  const std::string place = place_of("geglu", path, x);
  require_element(place, "x", x);
  if (x.channels() % 2 != 0) fail(place, "{} channels have no halves", x.channels());
  const Shape shape = x.shape().with_channels(x.channels() / 2);
  return x.graph().record(std::make_unique<Geglu>(), {x}, shape, x.dtype(), path);
}

}  // namespace kiln
