// How a weight is laid out on the device: a pure function from file order to device order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "runtime/graph/dtype.h"
#include "runtime/graph/weight_data.h"

namespace kiln {

// Device layouts. `element` type conversion happens in every one of them.
struct Packing {
  enum class Layout : std::uint8_t {
    as_is,     // row major, as in the file
    rows,      // rows [first, first + count) of dimension 0
    panels,    // a matrix [out, in] or a convolution [out, in, height, width] as
               // [ceil(out / columns)][height * width][ceil(in / depth)][columns][depth], zeros
               // beyond `out` and `in`: the right-hand operand of a matmul whose lanes run along
               // `out`
    winograd,  // a convolution [out, in, 3, 3] as G g G^T of F(2x2, 3x3) (Lavin and Gray, 2015),
               // 16 values instead of 9: [ceil(out / columns)][16][in][columns], zeros beyond `out`
  };
  Layout layout = Layout::as_is;
  std::uint32_t columns = 0;           // panels, winograd: width of a panel
  std::uint32_t depth = 1;             // panels: inputs of one column that lie together
  std::uint32_t first = 0, count = 0;  // rows

  constexpr bool operator==(const Packing&) const = default;
};

// Stable text that tells packings apart, used as part of a weight's key.
std::string to_text(const Packing& packing);

// Elements the packed weight holds. dims: of the weight in its file.
std::uint64_t packed_elements(const Packing& packing, std::span<const std::int64_t> dims);

// Reads the weight and fills out (packed_elements * size_bytes(element) bytes). element: f32 or
// f16; f16 rounds to nearest even and saturates at 65504. Throws Error for a type that is no float.
void pack(const WeightData& weight, const Packing& packing, DType element,
          std::span<std::byte> out);

}  // namespace kiln
