// Images of a batch taken apart and put together: in memory, channels of one long row.
#include <memory>

#include "kernels/concat_channels.h"
#include "kernels/slice_channels.h"
#include "runtime/ops/checks.h"
#include "runtime/ops/ops.h"
#include "runtime/ops/units.h"

namespace kiln {
namespace {

class JoinImages : public Op {
 public:
  std::string_view name() const override { return "join_images"; }

  void lower(Lowering& to) const override {
    const auto a = std::uint32_t(to.shape(0).elements());
    const auto b = std::uint32_t(to.shape(1).elements());
    const std::uint32_t width = a % 4 == 0 && b % 4 == 0 ? 4 : 1;
    const std::uint32_t units = (a + b) / width;
    const kernels::concat_channels::Constants constants{.quads = width == 4};
    to.dispatch<kernels::concat_channels>(
        {to.input(0), to.input(1), to.output()},
        {.units = units, .units_a = a / width, .units_b = b / width}, constants,
        grid_of<kernels::concat_channels>(to, units, constants));
  }
};

class SliceImages : public Op {
 public:
  explicit SliceImages(std::uint32_t first) : first_(first) {}

  std::string_view name() const override { return "slice_images"; }
  std::string details() const override { return fmt::format("from {}", first_); }
  std::vector<Parameter> parameters() const override { return {{"first", double(first_)}}; }

  void lower(Lowering& to) const override {
    const Shape shape = to.output_shape();
    const auto elements = std::uint32_t(shape.elements());
    const std::uint32_t image = elements / shape.batch;
    const std::uint32_t width = image % 4 == 0 ? 4 : 1;
    const std::uint32_t units = elements / width;
    const kernels::slice_channels::Constants constants{.quads = width == 4};
    to.dispatch<kernels::slice_channels>({to.input(0), to.output()},
                                         {.units = units,
                                          .units_x = image / width * to.shape(0).batch,
                                          .first = image / width * first_,
                                          .count = units},
                                         constants,
                                         grid_of<kernels::slice_channels>(to, units, constants));
  }

 private:
  std::uint32_t first_;
};

}  // namespace

Tensor join_images(Tensor a, Tensor b, std::string_view path) {
  const std::string place = place_of("join_images", path, a);
  require_element(place, "a", a);
  require_element(place, "b", b);
  Shape shape = a.shape(), other = b.shape();
  shape.batch += other.batch;
  other.batch = shape.batch;
  if (other != shape) {
    fail(place, "cannot join {} and {}: they differ in more than images", to_text(a.shape()),
         to_text(b.shape()));
  }
  return a.graph().record(std::make_unique<JoinImages>(), {a, b}, shape, a.dtype(), path);
}

Tensor slice_images(Tensor x, std::uint32_t first, std::uint32_t count, std::string_view path) {
  const std::string place = place_of("slice_images", path, x);
  require_element(place, "x", x);
  Shape shape = x.shape();
  if (count == 0 || first > shape.batch || count > shape.batch - first) {
    fail(place, "images {} to {} are not among {}", first, std::uint64_t(first) + count,
         shape.batch);
  }
  shape.batch = count;
  return x.graph().record(std::make_unique<SliceImages>(first), {x}, shape, x.dtype(), path);
}

}  // namespace kiln
