// Bands: pictures too large to bind, or to keep, are worked on some lines at a time.
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/graph/lowering.h"

namespace kiln {

// How lines of a result are made from lines of a picture: what a convolution reads.
struct LineWindow {
  std::uint32_t kernel = 1, stride = 1, padding = 0;  // padding: above
  std::uint32_t upscale = 1;  // times that each line of the picture is read as another
};

// Lines [first, end) of one image of a result. Bound are those from bound_first on, which may come
// earlier: so that the binding is aligned, and that its first line stands for a line of the input.
struct LineBand {
  std::uint32_t image = 0, first = 0, end = 0, bound_first = 0;
  std::uint32_t in_first = 0, in_count = 0;  // lines of the picture that are bound

  std::uint32_t bound_count() const { return end - bound_first; }
};

struct BandLimits {
  std::uint64_t in_bytes = 0, out_bytes = 0;  // most of a band
  std::uint32_t in_multiple = 1;              // in_first is a multiple of this
};

// Lines of so many bytes after which a binding may begin.
std::uint32_t aligned_lines(const Lowering& to, std::uint64_t bytes);

// Bytes of a line.
std::uint64_t line_bytes(const Shape& shape, DType element);

// Bands that cover every image of `out`. Empty if the limits leave no room for one, or if images do
// not begin where bindings may.
std::vector<LineBand> bands_of(const Lowering& to, const Shape& in, const Shape& out,
                               const LineWindow& window, const BandLimits& limits);

// Lines [first, first + count) of one image of a value of this shape.
Operand lines_of(Operand value, const Shape& shape, DType element, std::uint32_t image,
                 std::uint32_t first, std::uint32_t count);

// Whether a result is large enough to be made in bands, and the most bytes of one of them.
bool worth_bands(const Shape& shape);
std::uint64_t band_bytes(const Shape& shape, DType element);

}  // namespace kiln
