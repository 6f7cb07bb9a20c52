// Copies a tensor with strides into row-major order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace kiln {

// True when strides (in elements) are those of row-major order; dims of 1 may have any stride.
bool is_row_major(std::span<const std::int64_t> dims, std::span<const std::int64_t> strides);

// Elements from the first to the last one a strided tensor touches, both included; 0 for an empty
// tensor. Nothing when that does not fit 64 bits or an extent or stride is negative.
std::optional<std::uint64_t> strided_extent(std::span<const std::int64_t> dims,
                                            std::span<const std::int64_t> strides);

// out[i, j, ...] = in[i * strides[0] + j * strides[1] + ...]; in holds strided_extent elements of
// element_bytes each, out product(dims).
void copy_strided(std::span<const std::int64_t> dims, std::span<const std::int64_t> strides,
                  std::size_t element_bytes, std::span<const std::byte> in,
                  std::span<std::byte> out);

}  // namespace kiln
