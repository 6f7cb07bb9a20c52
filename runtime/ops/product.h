// Product: a linear layer or a convolution, and what it can take over from its consumer.
#pragma once

#include <functional>
#include <optional>

#include "runtime/graph/lowering.h"
#include "runtime/ops/bands.h"
#include "runtime/ops/elementwise.h"
#include "runtime/ops/matmul_candidates.h"
#include "runtime/ops/ops.h"

namespace kiln {

// y = activation(x * weight + bias + addend). Inputs: x, weight, then bias and addend if present.
// A linear layer is a convolution with one tap. A convolution may read x upscaled: each pixel
// `upscale` times across and down.
class Product : public Op {
 public:
  struct Form {
    std::uint32_t kernel = 1, stride = 1, padding = 0;  // padding: above and on the left
    std::uint32_t upscale = 1;                          // 1 or 2
    bool has_bias = false;
    bool is_convolution = false;
  };
  explicit Product(const Form& form) : form_(form) {}

  std::string_view name() const override { return form_.is_convolution ? "conv2d" : "linear"; }
  std::string details() const override;
  std::vector<Parameter> parameters() const override;
  void lower(Lowering& to) const override;
  // This product for a first input half as high and wide, which was upscaled by 2 before. Nothing
  // unless this is a convolution of 3x3 with stride 1 and padding 1.
  std::optional<Product> of_smaller_x() const;
  // --- For ops that make x in bands and hand each over at once ---
  const Form& form() const { return form_; }
  LineWindow window() const { return {form_.kernel, form_.stride, form_.padding, form_.upscale}; }
  // Makes the lines of one band. x: a picture of shape `in`, of which `band_of_x` holds the band's
  // lines. `in` and `out` are one image's.
  void lower_band(Lowering& to, const LineBand& band, const Shape& in, const Shape& out,
                  const Operand& band_of_x) const;
  // Takes over an Add (whose other operand becomes the addend) and an activation.
  bool absorb(const Node& next, ValueId mine, std::vector<ValueId>& inputs) override;

 private:
  MatmulProblem problem_of(const Shape& x, const Shape& y) const;
  // False if the shapes allow none.
  bool lower_in_bands(Lowering& to) const;

  Form form_;
  std::size_t addend_ = 0;  // which input; 0: none
  Add::Broadcast addend_broadcast_ = Add::Broadcast::none;
  std::uint32_t activation_ = 0;
};

// A product whose x, a picture of shape `source` and one image, is made band by band in scratch
// memory and never whole. make(first, count, result): its lines; `first` is a multiple of
// in_multiple.
using MakeLines =
    std::function<void(std::uint32_t first, std::uint32_t count, const Operand& result)>;
void lower_with_bands_of_x(Lowering& to, const Product& product, const Shape& source,
                           std::uint32_t in_multiple, const MakeLines& make);

}  // namespace kiln
