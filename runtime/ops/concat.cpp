// Channels put together and taken apart.
#include <memory>

#include "kernels/concat_channels.h"
#include "kernels/slice_channels.h"
#include "runtime/ops/checks.h"
#include "runtime/ops/ops.h"
#include "runtime/ops/units.h"

namespace kiln {
namespace {

class Concat : public Op {
 public:
  std::string_view name() const override { return "concat"; }

  void lower(Lowering& to) const override {
    const std::uint32_t a = to.shape(0).channels, b = to.shape(1).channels;
    const std::uint32_t width = a % 4 == 0 && b % 4 == 0 ? 4 : 1;
    const auto units = std::uint32_t(to.output_shape().elements() / width);
    const kernels::concat_channels::Constants constants{.quads = width == 4};
    to.dispatch<kernels::concat_channels>(
        {to.input(0), to.input(1), to.output()},
        {.units = units, .units_a = a / width, .units_b = b / width}, constants,
        grid_of<kernels::concat_channels>(to, units, constants));
  }
};

class SliceChannels : public Op {
 public:
  explicit SliceChannels(std::uint32_t first) : first_(first) {}

  std::string_view name() const override { return "slice_channels"; }
  std::string details() const override { return fmt::format("from {}", first_); }
  std::vector<Parameter> parameters() const override { return {{"first", double(first_)}}; }

  void lower(Lowering& to) const override {
    const std::uint32_t channels = to.shape(0).channels;
    const Shape shape = to.output_shape();
    const bool whole = channels % 4 == 0 && first_ % 4 == 0 && shape.channels % 4 == 0;
    const std::uint32_t width = whole ? 4 : 1;
    const auto units = std::uint32_t(shape.elements() / width);
    const kernels::slice_channels::Constants constants{.quads = whole};
    to.dispatch<kernels::slice_channels>({to.input(0), to.output()},
                                         {.units = units,
                                          .units_x = channels / width,
                                          .first = first_ / width,
                                          .count = shape.channels / width},
                                         constants,
                                         grid_of<kernels::slice_channels>(to, units, constants));
  }

 private:
  std::uint32_t first_;
};

}  // namespace

Tensor concat(Tensor a, Tensor b, std::string_view path) {
  const std::string place = place_of("concat", path, a);
  require_element(place, "a", a);
  require_element(place, "b", b);
  const Shape shape = a.shape().with_channels(a.channels() + b.channels());
  if (b.shape().with_channels(shape.channels) != shape) {
    fail(place, "cannot join {} and {}: they differ in more than channels", to_text(a.shape()),
         to_text(b.shape()));
  }
  return a.graph().record(std::make_unique<Concat>(), {a, b}, shape, a.dtype(), path);
}

Tensor slice_channels(Tensor x, std::uint32_t first, std::uint32_t count, std::string_view path) {
  const std::string place = place_of("slice_channels", path, x);
  require_element(place, "x", x);
  const Shape from = x.shape();
  if (count == 0 || first > from.channels || count > from.channels - first) {
    fail(place, "channels {} to {} are not among {}", first, std::uint64_t(first) + count,
         from.channels);
  }
  return x.graph().record(std::make_unique<SliceChannels>(first), {x}, from.with_channels(count),
                          x.dtype(), path);
}

}  // namespace kiln
