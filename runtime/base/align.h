// Integer rounding, overflow-checked products, and bytes for messages.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>

namespace kiln {

constexpr std::uint64_t divide_up(std::uint64_t value, std::uint64_t by) {
  return value / by + (value % by != 0);
}

constexpr std::uint64_t align_up(std::uint64_t value, std::uint64_t to) {
  return divide_up(value, to) * to;
}

// Bytes in units of 2^20.
constexpr double mebibytes(std::uint64_t bytes) { return double(bytes) / double(1 << 20); }

// a * b, or nothing when it does not fit 64 bits. For sizes that come from files.
constexpr std::optional<std::uint64_t> checked_product(std::uint64_t a, std::uint64_t b) {
  if (b != 0 && a > std::numeric_limits<std::uint64_t>::max() / b) return std::nullopt;
  return a * b;
}

// Product of extents from a file: nothing when one is negative or the product overflows.
constexpr std::optional<std::uint64_t> checked_elements(std::span<const std::int64_t> extents) {
  std::uint64_t total = 1;
  for (const std::int64_t extent : extents) {
    if (extent < 0) return std::nullopt;
    const auto next = checked_product(total, std::uint64_t(extent));
    if (!next) return std::nullopt;
    total = *next;
  }
  return total;
}

}  // namespace kiln
