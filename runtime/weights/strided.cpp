// Strided copies: an odometer over the indices.
#include "runtime/weights/strided.h"

#include <cstring>
#include <vector>

#include "runtime/base/align.h"

namespace kiln {

bool is_row_major(std::span<const std::int64_t> dims, std::span<const std::int64_t> strides) {
  std::int64_t expected = 1;
  for (std::size_t i = dims.size(); i-- > 0;) {
    if (dims[i] != 1 && strides[i] != expected) return false;
    expected *= dims[i];
  }
  return true;
}

std::optional<std::uint64_t> strided_extent(std::span<const std::int64_t> dims,
                                            std::span<const std::int64_t> strides) {
  const auto elements = checked_elements(dims);
  if (!elements) return std::nullopt;
  if (*elements == 0) return 0;
  std::uint64_t last = 0;
  for (std::size_t i = 0; i < dims.size(); ++i) {
    if (strides[i] < 0) return std::nullopt;
    const auto step = checked_product(std::uint64_t(dims[i] - 1), std::uint64_t(strides[i]));
    if (!step || *step >= ~std::uint64_t(0) - last) return std::nullopt;
    last += *step;
  }
  return last + 1;
}

void copy_strided(std::span<const std::int64_t> dims, std::span<const std::int64_t> strides,
                  std::size_t element_bytes, std::span<const std::byte> in,
                  std::span<std::byte> out) {
  std::vector<std::int64_t> index(dims.size(), 0);
  std::uint64_t at = 0;
  for (std::size_t done = 0; done < out.size(); done += element_bytes) {
    std::memcpy(out.data() + done, in.data() + at * element_bytes, element_bytes);
    for (std::size_t i = dims.size(); i-- > 0;) {
      at += std::uint64_t(strides[i]);
      if (++index[i] < dims[i]) break;
      at -= std::uint64_t(strides[i]) * std::uint64_t(dims[i]);
      index[i] = 0;
    }
  }
}

}  // namespace kiln
