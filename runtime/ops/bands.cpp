// Where bands begin: aligned for the device, as large as the limits allow.
#include "runtime/ops/bands.h"

#include <algorithm>
#include <numeric>

#include "runtime/base/align.h"

namespace kiln {
namespace {

constexpr std::uint32_t kBands = 8;  // a picture that is worked on in bands has about as many
constexpr std::uint32_t kLeastLines = 16;

// The last line, exclusive, that lines up to `end` of the result read.
std::uint32_t input_end(const LineWindow& window, std::uint32_t end, std::uint32_t lines) {
  const std::uint32_t read = (end - 1) * window.stride + window.kernel - window.padding;
  return std::min(lines, std::uint32_t(divide_up(read, window.upscale)));
}

}  // namespace

std::uint32_t aligned_lines(const Lowering& to, std::uint64_t bytes) {
  const std::uint64_t alignment = to.device().binding_alignment;
  return std::uint32_t(alignment / std::gcd(alignment, bytes));
}

std::uint64_t line_bytes(const Shape& shape, DType element) {
  return std::uint64_t(shape.width) * shape.channels * size_bytes(element);
}

Operand lines_of(Operand value, const Shape& shape, DType element, std::uint32_t image,
                 std::uint32_t first, std::uint32_t count) {
  const std::uint64_t line = line_bytes(shape, element);
  value.offset_bytes = (std::uint64_t(image) * shape.height + first) * line;
  value.size_bytes = count * line;
  return value;
}

std::vector<LineBand> bands_of(const Lowering& to, const Shape& in, const Shape& out,
                               const LineWindow& window, const BandLimits& limits) {
  const std::uint64_t in_line = line_bytes(in, to.element());
  const std::uint64_t out_line = line_bytes(out, to.element());
  const std::uint32_t multiple =
      std::lcm(std::lcm(window.upscale * aligned_lines(to, in_line * window.stride),
                        aligned_lines(to, out_line)),
               limits.in_multiple);
  if (out.batch > 1 && (in.height * window.upscale % multiple != 0 || out.height % multiple != 0))
    return {};
  const auto above = std::uint32_t(divide_up(window.padding, window.stride));
  // Lines that a band binds besides its own, at most.
  const std::uint64_t more = above + multiple - 1;
  const std::uint64_t in_room = limits.in_bytes / in_line * window.upscale;
  const std::uint64_t out_room = limits.out_bytes / out_line;
  const std::uint64_t in_more = more * window.stride + window.kernel;
  if (in_room < in_more + window.stride || out_room < more + 1) return {};
  const auto lines = std::uint32_t(
      std::min({(in_room - in_more) / window.stride, out_room - more, std::uint64_t(out.height)}));
  std::vector<LineBand> bands;
  for (std::uint32_t image = 0; image < out.batch; ++image) {
    for (std::uint32_t first = 0; first < out.height; first += lines) {
      LineBand band{.image = image, .first = first, .end = std::min(first + lines, out.height)};
      band.bound_first = first - std::min(first, above);
      band.bound_first -= band.bound_first % multiple;
      band.in_first = band.bound_first * window.stride / window.upscale;
      band.in_count = input_end(window, band.end, in.height) - band.in_first;
      bands.push_back(band);
    }
  }
  return bands;
}

bool worth_bands(const Shape& shape) { return shape.height >= kLeastLines; }

std::uint64_t band_bytes(const Shape& shape, DType element) {
  return divide_up(shape.height, kBands) * line_bytes(shape, element);
}

}  // namespace kiln
