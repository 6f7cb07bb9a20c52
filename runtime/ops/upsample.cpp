// Nearest-neighbour upsampling.
#include <memory>
#include <optional>

#include "kernels/upsample_nearest.h"
#include "runtime/ops/bands.h"
#include "runtime/ops/checks.h"
#include "runtime/ops/ops.h"
#include "runtime/ops/product.h"
#include "runtime/ops/units.h"

namespace kiln {
namespace {

class UpsampleNearest : public Op {
 public:
  UpsampleNearest(const Shape& from, const Shape& result) : from_(from), result_(result) {}

  std::string_view name() const override {
    return product_ ? product_->name() : "upsample_nearest";
  }
  std::string details() const override { return product_ ? product_->details() : ""; }
  std::vector<Parameter> parameters() const override {
    return product_ ? product_->parameters() : std::vector<Parameter>{};
  }

  // Becomes the convolution that follows, which reads x itself: the large picture is never made.
  bool absorb(const Node& next, ValueId mine, std::vector<ValueId>& inputs) override {
    if (product_) return product_->absorb(next, mine, inputs);
    const auto* product = dynamic_cast<const Product*>(next.op.get());
    if (product == nullptr || next.inputs[0] != mine || !is_double()) return false;
    product_ = product->of_smaller_x();
    if (!product_) return false;
    inputs.insert(inputs.end(), next.inputs.begin() + 1, next.inputs.end());
    return true;
  }

  void lower(Lowering& to) const override {
    if (product_) return product_->lower(to);
    const Operand x = to.input(0);
    if (to.exceeds_binding(result_.elements() * size_bytes(to.element())) && can_be_cut()) {
      return lower_in_bands(to, x);
    }
    lower_lines(to, from_, result_, x, to.output());
  }

 private:
  std::uint32_t ratio() const { return result_.height / from_.height; }
  bool is_double() const {
    return result_.height == 2 * from_.height && result_.width == 2 * from_.width;
  }
  // One image, and each line becomes a whole number of lines.
  bool can_be_cut() const { return from_.batch == 1 && result_.height % from_.height == 0; }
  // Lines of the result that begin where lines of x may be bound.
  std::uint32_t multiple(const Lowering& to) const {
    return ratio() * aligned_lines(to, line_bytes(from_, to.element()));
  }

  void lower_in_bands(Lowering& to, const Operand& x) const {
    const std::uint64_t most = to.device().max_binding_bytes;
    Shape from = from_, made = result_;
    for (const LineBand& band : bands_of(to, result_, result_, {}, {most, most, multiple(to)})) {
      const std::uint32_t first = band.bound_first;  // a multiple of multiple()
      made.height = band.bound_count();
      from.height = std::uint32_t(divide_up(made.height, ratio()));
      lower_lines(to, from, made, lines_of(x, from_, to.element(), 0, first / ratio(), from.height),
                  lines_of(to.output(), result_, to.element(), 0, first, made.height));
    }
  }

  // `shape` may have fewer lines than ratio() times those of `from`: a band may end between them.
  void lower_lines(Lowering& to, const Shape& from, const Shape& shape, const Operand& x,
                   const Operand& y) const {
    const std::uint32_t width = unit_width(shape.channels);
    const std::uint32_t channel_units = shape.channels / width;
    const kernels::upsample_nearest::Constants constants{.quads = width == 4};
    const auto across = divide_up(std::uint64_t(shape.width) * channel_units, constants.workgroup);
    to.dispatch<kernels::upsample_nearest>(
        {x, y},
        {.channel_units = channel_units,
         .height_in = from.height,
         .width_in = from.width,
         .height_out = can_be_cut() ? from.height * ratio() : shape.height,
         .width_out = shape.width},
        constants, Grid{std::uint32_t(across), shape.height, shape.batch});
  }

  Shape from_, result_;
  std::optional<Product> product_;
};

}  // namespace

Tensor upsample_nearest(Tensor x, std::uint32_t height, std::uint32_t width,
                        std::string_view path) {
  const std::string place = place_of("upsample_nearest", path, x);
  require_element(place, "x", x);
  const Shape from = x.shape();
  if (height == 0 || width == 0) fail(place, "cannot make a picture of {} x {}", width, height);
  const Shape shape{from.batch, height, width, from.channels};
  return x.graph().record(std::make_unique<UpsampleNearest>(from, shape), {x}, shape, x.dtype(),
                          path);
}

}  // namespace kiln
