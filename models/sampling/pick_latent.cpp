// The op behind pick_latent.
#include "models/sampling/pick_latent.h"

#include <memory>

#include "kernels/pick_latent.h"
#include "runtime/graph/lowering.h"

namespace kiln {
namespace {

class PickLatent : public Op {
 public:
  explicit PickLatent(float factor) : factor_(factor) {}
  std::string_view name() const override { return "pick_latent"; }
  void lower(Lowering& to) const override {
    const auto elements = std::uint32_t(to.output_shape().elements());
    const kernels::pick_latent::Constants constants{};
    const Operand latent = touching(to.input(0), elements * sizeof(float));
    to.dispatch<kernels::pick_latent>({latent, to.input(1), to.output()},
                                      {.elements = elements, .factor = factor_}, constants,
                                      to.folded(divide_up(elements, constants.workgroup)));
  }

 private:
  float factor_;
};

}  // namespace

Tensor pick_latent(const SamplerState& state, float factor) {
  Graph& graph = state.slots.graph();
  const Tensor image =
      graph.persistent(kPickedImage, {1, 1, 1, 1}, DType::u32, Traffic::host_writes);
  Shape shape = state.shape.latent;
  shape.batch = 1;
  return graph.record(std::make_unique<PickLatent>(factor), {state.slots, image}, shape,
                      graph.element(), "decode.pick_latent");
}

}  // namespace kiln
