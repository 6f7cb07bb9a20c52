// Layer normalization.
#include <memory>

#include "kernels/layer_norm.h"
#include "runtime/ops/checks.h"
#include "runtime/ops/ops.h"
#include "runtime/ops/tuning.h"
#include "runtime/ops/units.h"

namespace kiln {
namespace {

class LayerNorm : public Op {
 public:
  explicit LayerNorm(float epsilon) : epsilon_(epsilon) {}

  std::string_view name() const override { return "layer_norm"; }
  std::vector<Parameter> parameters() const override { return {{"epsilon", double(epsilon_)}}; }

  void lower(Lowering& to) const override {
    const Shape shape = to.output_shape();
    const std::uint32_t width = unit_width(shape.channels);
    const std::uint32_t units = shape.channels / width;
    const kernels::layer_norm::Constants constants{
        .workgroup = workgroup_width(to.device(), norm_workgroup(to.device(), units)),
        .quads = width == 4};
    to.dispatch<kernels::layer_norm>({to.input(0), to.input(1), to.input(2), to.output()},
                                     {.rows = shape.rows(), .units = units, .epsilon = epsilon_},
                                     constants, to.folded(shape.rows()));
  }

 private:
  float epsilon_;
};

}  // namespace

Tensor layer_norm(Tensor x, Tensor scale, Tensor shift, float epsilon, std::string_view path) {
  const std::string place = place_of("layer_norm", path, x);
  require_element(place, "x", x);
  const Shape shape = x.shape();
  require_vector(place, "scale", scale, shape.channels);
  require_vector(place, "shift", shift, shape.channels);
  return x.graph().record(std::make_unique<LayerNorm>(epsilon), {x, scale, shift}, shape, x.dtype(),
                          path);
}

}  // namespace kiln
