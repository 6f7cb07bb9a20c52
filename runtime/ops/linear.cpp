// Linear layers.
#include <memory>

#include "runtime/ops/checks.h"
#include "runtime/ops/ops.h"
#include "runtime/ops/product.h"

namespace kiln {

Tensor linear(Tensor x, Tensor weight, Tensor bias, std::string_view path) {
  const std::string place = place_of("linear", path, x);
  require_element(place, "x", x);
  require_element(place, "weight", weight);
  const std::vector<std::int64_t>& dims = x.graph().dims_of(weight);
  if (dims.size() != 2 || dims[1] != std::int64_t(x.channels())) {
    fail(place, "weight is {}, expected outputs x {}", fmt::join(dims, "x"), x.channels());
  }
  const auto outputs = std::uint32_t(dims[0]);
  std::vector<Tensor> inputs = {x, weight};
  if (bias) {
    require_vector(place, "bias", bias, outputs);
    inputs.push_back(bias);
  }
  const Product::Form form{.has_bias = bool(bias)};
  return x.graph().record(std::make_unique<Product>(form), std::move(inputs),
                          x.shape().with_channels(outputs), x.dtype(), path);
}

}  // namespace kiln
