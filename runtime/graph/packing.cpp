// Weight layouts, written band by band so that no second copy of a large weight is needed.
#include "runtime/graph/packing.h"

#include <algorithm>
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

// Writes element `index` of `out`, converting from the file's type.
class Writer {
 public:
  Writer(DType from, DType to, std::span<std::byte> out)
      : from_(from), to_(to), step_(size_bytes(from)), out_(out.data()) {}

  void put(std::uint64_t index, const std::byte* value) {
    if (from_ == to_) {
      std::memcpy(out_ + index * step_, value, step_);
    } else if (to_ == DType::f32) {
      const float number = to_float(value, from_);
      std::memcpy(out_ + index * 4, &number, 4);
    } else {
      const float number = to_float(value, from_);
      const float limited = std::isnan(number) ? number : std::clamp(number, -65504.0f, 65504.0f);
      const std::uint16_t half = half_from_float(limited);
      std::memcpy(out_ + index * 2, &half, 2);
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

}  // namespace

std::string to_text(const Packing& packing) {
  switch (packing.layout) {
    case Packing::Layout::as_is:
      return "as_is";
    case Packing::Layout::rows:
      return fmt::format("rows{}+{}", packing.first, packing.count);
    case Packing::Layout::panels:
      return fmt::format("panels{}", packing.columns);
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
      return align_up(matrix.out, packing.columns) * matrix.in * matrix.taps;
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
  if (packing.layout != Packing::Layout::panels) {
    const std::uint64_t begin = packing.first * matrix.in * matrix.taps;
    const std::uint64_t count = packed_elements(packing, weight.dims);
    for (std::uint64_t i = 0; i < count; ++i) writer.put(i, raw.data() + (begin + i) * step);
    return;
  }
  std::memset(out.data(), 0, out.size());
  for (std::uint64_t o = 0; o < matrix.out; ++o) {
    const std::uint64_t panel = o / packing.columns, column = o % packing.columns;
    for (std::uint64_t i = 0; i < matrix.in; ++i) {
      const std::byte* from = raw.data() + (o * matrix.in + i) * matrix.taps * step;
      for (std::uint64_t t = 0; t < matrix.taps; ++t) {
        const std::uint64_t row = (panel * matrix.taps + t) * matrix.in + i;
        writer.put(row * packing.columns + column, from + t * step);
      }
    }
  }
}

}  // namespace kiln
