// Convolutions.
#include <memory>

#include "runtime/ops/checks.h"
#include "runtime/ops/ops.h"
#include "runtime/ops/product.h"

namespace kiln {

Tensor conv2d(Tensor x, Tensor weight, Tensor bias, Conv2d shape, std::string_view path) {
  const std::string place = place_of("conv2d", path, x);
  require_element(place, "x", x);
  require_element(place, "weight", weight);
  const std::vector<std::int64_t>& dims = x.graph().dims_of(weight);
  const bool square = dims.size() == 4 && dims[2] == dims[3] && (dims[2] == 1 || dims[2] == 3);
  if (!square || dims[1] != std::int64_t(x.channels())) {
    fail(place, "weight is {}, expected outputs x {} x k x k with k 1 or 3", fmt::join(dims, "x"),
         x.channels());
  }
  if (shape.stride != 1 && shape.stride != 2) {
    fail(place, "stride is {}, expected 1 or 2", shape.stride);
  }
  const auto outputs = std::uint32_t(dims[0]), kernel = std::uint32_t(dims[2]);
  const bool right_bottom = shape.padding == Conv2d::Padding::right_bottom;
  const std::uint32_t before = right_bottom ? 0 : kernel / 2;
  const std::uint32_t both = right_bottom ? 1 : before * 2;
  const auto out = [&](std::uint32_t in) {
    if (in + both < kernel) fail(place, "x is {}, smaller than the kernel", to_text(x.shape()));
    return (in + both - kernel) / shape.stride + 1;
  };
  std::vector<Tensor> inputs = {x, weight};
  if (bias) {
    require_vector(place, "bias", bias, outputs);
    inputs.push_back(bias);
  }
  const Product::Form form{.kernel = kernel,
                           .stride = shape.stride,
                           .padding = before,
                           .has_bias = bool(bias),
                           .is_convolution = true};
  const Shape size{x.shape().batch, out(x.shape().height), out(x.shape().width), outputs};
  return x.graph().record(std::make_unique<Product>(form), std::move(inputs), size, x.dtype(),
                          path);
}

}  // namespace kiln
