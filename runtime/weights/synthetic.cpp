// Synthetic: a counter-based generator, so that values do not depend on reading order.
#include "runtime/weights/synthetic.h"

#include <cmath>
#include <cstring>

#include "runtime/base/align.h"
#include "runtime/base/error.h"
#include "runtime/base/half.h"
#include "runtime/weights/in_quotes.h"

namespace kiln {
namespace {

// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): scrambles a counter.
constexpr std::uint64_t scramble(std::uint64_t value) {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
  return value ^ (value >> 31);
}

// FNV-1a.
constexpr std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return hash;
}

// Uniform in [-1, 1), 24 bits.
float uniform(std::uint64_t key, std::uint64_t index) {
  const std::uint64_t bits = scramble(key + index * 0x9e3779b97f4a7c15u) >> 40;
  return float(bits) * 0x1p-23f - 1.0f;
}

struct Range {
  float centre, reach;
};

Range range_of(std::string_view name, std::span<const std::int64_t> dims) {
  constexpr float kSmall = 0.1f;
  if (dims.size() >= 2) {
    const double inputs = double(checked_elements(dims.subspan(1)).value_or(0));
    return {0.0f, float(std::sqrt(3.0 / std::max(inputs, 1.0)))};
  }
  return {name.ends_with("weight") ? 1.0f : 0.0f, kSmall};
}

}  // namespace

Synthetic::Synthetic(std::uint64_t seed, DType dtype, std::function<bool(std::string_view)> absent)
    : seed_(seed), dtype_(dtype), absent_(std::move(absent)) {
  if (dtype != DType::f32 && dtype != DType::f16) {
    fail("synthetic", "weights can be F32 or F16, not {}", to_text(dtype));
  }
}

std::optional<TensorInfo> Synthetic::find(std::string_view name) const {
  if (absent_ && absent_(name)) return std::nullopt;
  return TensorInfo{dtype_, {}};
}

void Synthetic::read(std::string_view name, std::span<std::byte> out) const {
  const std::int64_t elements = std::int64_t(out.size() / size_bytes(dtype_));
  read_shaped(name, std::span(&elements, 1), out);
}

void Synthetic::read_shaped(std::string_view name, std::span<const std::int64_t> dims,
                            std::span<std::byte> out) const {
  const std::size_t element_bytes = size_bytes(dtype_);
  const auto elements = checked_elements(dims);
  if (!find(name)) fail("synthetic", "has no tensor {}", in_quotes(name));
  if (!elements || checked_product(*elements, element_bytes) != out.size()) {
    fail("synthetic", "tensor {} is asked for with a wrong size", in_quotes(name));
  }
  const std::uint64_t key = scramble(seed_ ^ hash_of(name));
  const auto [centre, reach] = range_of(name, dims);
  for (std::uint64_t i = 0; i < *elements; ++i) {
    const float value = centre + reach * uniform(key, i);
    const std::uint16_t half = half_from_float(value);
    const void* bytes = dtype_ == DType::f16 ? static_cast<const void*>(&half) : &value;
    std::memcpy(out.data() + i * element_bytes, bytes, element_bytes);
  }
}

}  // namespace kiln
