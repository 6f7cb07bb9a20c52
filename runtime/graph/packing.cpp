// Weight layouts, written band by band so that no second copy of a large weight is needed.
#include "runtime/graph/packing.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "runtime/base/align.h"
#include "runtime/base/error.h"
#include "runtime/base/half.h"

namespace kiln {
namespace {

float to_float(const std::byte* from, DType type) {
  std::uint16_t half = 0;
  switch (type) {
    case DType::f32: {
      float value;
      std::memcpy(&value, from, 4);
      return value;
    }
    case DType::f64: {
      double value;
      std::memcpy(&value, from, 8);
      return float(value);
    }
    case DType::f16:
      std::memcpy(&half, from, 2);
      return float_from_half(half);
    default:
      std::memcpy(&half, from, 2);
      return float_from_bfloat16(half);
  }
}

// Writes elements of `out`, converting from the file's type.
class Writer {
 public:
  Writer(DType from, DType to, std::span<std::byte> out)
      : from_(from), to_(to), step_(size_bytes(from)), out_(out.data()) {}

  void put(std::uint64_t index, float number) {
    if (to_ == DType::f32) {
      std::memcpy(out_ + index * 4, &number, 4);
    } else {
      const float limited = std::isnan(number) ? number : std::clamp(number, -65504.0f, 65504.0f);
      const std::uint16_t half = half_from_float(limited);
      std::memcpy(out_ + index * 2, &half, 2);
    }
  }

  void put(std::uint64_t index, const std::byte* value) {
    if (from_ == to_) {
      std::memcpy(out_ + index * step_, value, step_);
    } else {
      put(index, to_float(value, from_));
    }
  }

 private:
  DType from_, to_;
  std::uint64_t step_;
  std::byte* out_;
};

struct Matrix {
  std::uint64_t out = 1, in = 1, taps = 1;
};

Matrix as_matrix(std::span<const std::int64_t> dims) {
  Matrix matrix;
  if (!dims.empty()) matrix.out = std::uint64_t(dims[0]);
  if (dims.size() > 1) matrix.in = std::uint64_t(dims[1]);
  for (std::size_t i = 2; i < dims.size(); ++i) matrix.taps *= std::uint64_t(dims[i]);
  return matrix;
}

std::uint64_t elements_of(std::span<const std::int64_t> dims) {
  const auto count = checked_elements(dims);
  if (!count) fail("packing", "extents overflow");
  return *count;
}

// Where a weight [out, in, taps] lies in panels of `taps` rows for every block of `depth` inputs.
struct Panels {
  std::uint64_t columns, taps, in, depth = 1;

  std::uint64_t at(std::uint64_t o, std::uint64_t i, std::uint64_t tap) const {
    const std::uint64_t block = (o / columns * taps + tap) * divide_up(in, depth) + i / depth;
    return (block * columns + o % columns) * depth + i % depth;
  }
};

void put_panels(Writer& writer, const Matrix& matrix, const Packing& packing, const std::byte* from,
                std::uint64_t step) {
  const Panels panels{packing.columns, matrix.taps, matrix.in, packing.depth};
  for (std::uint64_t o = 0; o < matrix.out; ++o) {
    for (std::uint64_t i = 0; i < matrix.in; ++i) {
      for (std::uint64_t tap = 0; tap < matrix.taps; ++tap) {
        writer.put(panels.at(o, i, tap), from);
        from += step;
      }
    }
  }
}

constexpr std::uint64_t kWinogradTaps = 16;

// G g G^T; g: [3][3].
std::array<float, kWinogradTaps> winograd_of(const std::array<float, 9>& g) {
  std::array<float, 12> rows;  // G g
  for (std::size_t x = 0; x < 3; ++x) {
    const float a = g[x], b = g[3 + x], c = g[6 + x];
    rows[x] = a;
    rows[3 + x] = (a + b + c) / 2;
    rows[6 + x] = (a - b + c) / 2;
    rows[9 + x] = c;
  }
  std::array<float, kWinogradTaps> result;
  for (std::size_t y = 0; y < 4; ++y) {
    const float a = rows[3 * y], b = rows[3 * y + 1], c = rows[3 * y + 2];
    result[4 * y] = a;
    result[4 * y + 1] = (a + b + c) / 2;
    result[4 * y + 2] = (a - b + c) / 2;
    result[4 * y + 3] = c;
  }
  return result;
}

void put_winograd(Writer& writer, const Matrix& matrix, std::uint64_t columns, DType type,
                  const std::byte* from) {
  const Panels panels{columns, kWinogradTaps, matrix.in, 1};
  for (std::uint64_t o = 0; o < matrix.out; ++o) {
    for (std::uint64_t i = 0; i < matrix.in; ++i) {
      std::array<float, 9> taps;
      for (float& tap : taps) {
        tap = to_float(from, type);
        from += size_bytes(type);
      }
      const std::array<float, kWinogradTaps> values = winograd_of(taps);
      for (std::uint64_t tap = 0; tap < kWinogradTaps; ++tap) {
        writer.put(panels.at(o, i, tap), values[tap]);
      }
    }
  }
}

}  // namespace

std::string to_text(const Packing& packing) {
  switch (packing.layout) {
    case Packing::Layout::as_is:
      return "as_is";
    case Packing::Layout::rows:
      return fmt::format("rows{}+{}", packing.first, packing.count);
    case Packing::Layout::panels:
      return packing.depth == 1 ? fmt::format("panels{}", packing.columns)
                                : fmt::format("panels{}x{}", packing.columns, packing.depth);
    case Packing::Layout::winograd:
      return fmt::format("winograd{}", packing.columns);
  }
  return "?";
}

std::uint64_t packed_elements(const Packing& packing, std::span<const std::int64_t> dims) {
  const Matrix matrix = as_matrix(dims);
  switch (packing.layout) {
    case Packing::Layout::as_is:
      return elements_of(dims);
    case Packing::Layout::rows:
      return packing.count * matrix.in * matrix.taps;
    case Packing::Layout::panels:
      return align_up(matrix.out, packing.columns) * align_up(matrix.in, packing.depth) *
             matrix.taps;
    case Packing::Layout::winograd:
      return align_up(matrix.out, packing.columns) * matrix.in * kWinogradTaps;
  }
  return 0;
}

void pack(const WeightData& weight, const Packing& packing, DType element,
          std::span<std::byte> out) {
  if (!is_floating(weight.dtype)) {
    fail(weight.name, "weight is {}, expected a floating-point type", to_text(weight.dtype));
  }
  const std::uint64_t step = size_bytes(weight.dtype);
  if (packing.layout == Packing::Layout::as_is && weight.dtype == element) {
    weight.read(out);
    return;
  }
  std::vector<std::byte> raw(elements_of(weight.dims) * step);
  weight.read(raw);
  Writer writer(weight.dtype, element, out);
  const Matrix matrix = as_matrix(weight.dims);
  if (packing.layout == Packing::Layout::as_is || packing.layout == Packing::Layout::rows) {
    const std::uint64_t begin = packing.first * matrix.in * matrix.taps;
    const std::uint64_t count = packed_elements(packing, weight.dims);
    for (std::uint64_t i = 0; i < count; ++i) writer.put(i, raw.data() + (begin + i) * step);
    return;
  }
  std::memset(out.data(), 0, out.size());
  if (packing.layout == Packing::Layout::panels) {
    put_panels(writer, matrix, packing, raw.data(), step);
    return;
  }
  if (matrix.taps != 9) fail(weight.name, "weight has {} taps, Winograd needs 9", matrix.taps);
  put_winograd(writer, matrix, packing.columns, weight.dtype, raw.data());
}

}  // namespace kiln
