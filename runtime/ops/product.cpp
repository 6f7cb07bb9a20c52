// Linear layers and convolutions: one lowering, through the list of matmul candidates.
#include "runtime/ops/product.h"

#include <algorithm>

#include "runtime/base/align.h"
#include "runtime/ops/elementwise.h"

namespace kiln {

std::string Product::details() const {
  static constexpr const char* kActivations[] = {"", " silu", " gelu", " quick_gelu"};
  return fmt::format("k{} s{}{}{}{}", form_.kernel, form_.stride, form_.upscale == 2 ? " up2" : "",
                     addend_ != 0 ? " add" : "", kActivations[activation_]);
}

std::vector<Parameter> Product::parameters() const {
  return {{"kernel", double(form_.kernel)},   {"stride", double(form_.stride)},
          {"padding", double(form_.padding)}, {"upscale", double(form_.upscale)},
          {"bias", double(form_.has_bias)},   {"addend", double(addend_)},
          {"activation", double(activation_)}};
}

std::optional<Product> Product::of_smaller_x() const {
  const bool fits = form_.is_convolution && form_.kernel == 3 && form_.stride == 1 &&
                    form_.padding == 1 && form_.upscale == 1;
  if (!fits) return {};
  Product product = *this;
  product.form_.upscale = 2;
  return product;
}

bool Product::absorb(const Node& next, ValueId mine, std::vector<ValueId>& inputs) {
  if (activation_ != 0) return false;  // nothing follows an activation in one kernel
  if (const auto* unary = dynamic_cast<const Unary*>(next.op.get())) {
    if (unary->function() == Unary::Function::scale) return false;
    activation_ = std::uint32_t(unary->function());
    return true;
  }
  const auto* add = dynamic_cast<const Add*>(next.op.get());
  if (add == nullptr || addend_ != 0) return false;
  const bool mine_is_first = next.inputs[0] == mine;
  if (add->broadcast() != Add::Broadcast::none && !mine_is_first) return false;
  addend_ = inputs.size();
  addend_broadcast_ = add->broadcast();
  inputs.push_back(next.inputs[mine_is_first ? 1 : 0]);
  return true;
}

MatmulProblem Product::problem_of(const Shape& x, const Shape& y) const {
  MatmulProblem problem;
  problem.rows = y.rows();
  problem.inputs = x.channels;
  problem.outputs = y.channels;
  problem.in_height = x.height;
  problem.in_width = x.width;
  problem.out_height = y.height;
  problem.out_width = y.width;
  problem.kernel = form_.kernel;
  problem.stride = form_.stride;
  problem.padding = form_.padding;
  problem.upscale = form_.upscale;
  problem.has_bias = form_.has_bias;
  problem.activation = activation_;
  problem.addend_input = addend_;
  if (addend_ != 0) {
    switch (addend_broadcast_) {
      case Add::Broadcast::none:
        problem.addend_rows = 1;
        break;
      case Add::Broadcast::per_image:
        problem.addend_rows = y.pixels();
        break;
      case Add::Broadcast::shared:
        problem.addend_rows = 0;
        break;
    }
  }
  return problem;
}

void Product::lower_band(Lowering& to, const LineBand& band, const Shape& in, const Shape& out,
                         const Operand& band_of_x) const {
  Shape x = in, y = out;
  x.batch = y.batch = 1;
  x.height = band.in_count;
  y.height = band.bound_count();
  MatmulProblem problem = problem_of(x, y);
  problem.first_row = (band.first - band.bound_first) * y.width;
  problem.is_band = true;
  to.replace_input(0, band_of_x);
  const Operand result{Operand::Kind::value, to.output().index};
  to.replace_output(lines_of(result, out, to.element(), band.image, band.bound_first, y.height));
  if (addend_ != 0 && addend_broadcast_ == Add::Broadcast::none) {
    const Operand addend{Operand::Kind::value, to.input(addend_).index};
    to.replace_input(addend_,
                     lines_of(addend, out, to.element(), band.image, band.bound_first, y.height));
  }
  lower_matmul(to, problem);
}

bool Product::lower_in_bands(Lowering& to) const {
  Shape x = to.shape(0), y = to.output_shape();
  // A row of channels for each image would have to be bound where no binding may begin.
  if (y.batch > 1 && addend_ != 0 && addend_broadcast_ == Add::Broadcast::per_image) return false;
  if (form_.kernel == 1 && form_.stride == 1) {  // rows may be cut anywhere
    for (Shape* shape : {&x, &y}) *shape = {shape->batch, shape->pixels(), 1, shape->channels};
  }
  const std::uint64_t most = to.device().max_binding_bytes;
  const std::vector<LineBand> bands = bands_of(to, x, y, window(), {most, most});
  const Operand whole = to.input(0);
  for (const LineBand& band : bands) {
    lower_band(to, band, x, y,
               lines_of(whole, x, to.element(), band.image, band.in_first, band.in_count));
  }
  return !bands.empty();
}

void Product::lower(Lowering& to) const {
  const Shape x = to.shape(0), y = to.output_shape();
  const std::uint64_t most = std::max(x.elements(), y.elements()) * size_bytes(to.element());
  if (to.exceeds_binding(most) && lower_in_bands(to)) return;
  lower_matmul(to, problem_of(x, y));
}

void lower_with_bands_of_x(Lowering& to, const Product& product, const Shape& source,
                           std::uint32_t in_multiple, const MakeLines& make) {
  const Shape out = to.output_shape();
  const std::uint64_t most = to.device().max_binding_bytes;
  // Where lines are short or odd a band takes more of them, so that it can be aligned; at last all.
  std::vector<LineBand> bands;
  constexpr std::uint64_t kWhole = 1ull << 62;
  for (std::uint64_t bytes = std::min(band_bytes(source, to.element()), most); bands.empty();
       bytes = bytes < most ? bytes * 2 : kWhole) {
    const std::uint64_t of_result = bytes < kWhole ? most : kWhole;
    bands = bands_of(to, source, out, product.window(), {bytes, of_result, in_multiple});
  }
  const std::uint64_t line = line_bytes(source, to.element());
  std::uint32_t lines = 0;
  for (const LineBand& band : bands) lines = std::max(lines, band.in_count);
  Operand scratch = to.scratch(align_up(lines * line, 16));
  for (const LineBand& band : bands) {
    scratch.size_bytes = band.in_count * line;
    make(band.in_first, band.in_count, scratch);
    product.lower_band(to, band, source, out, scratch);
  }
}

}  // namespace kiln
