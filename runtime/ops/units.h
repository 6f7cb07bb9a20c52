// How the simple kernels split a tensor: one unit an invocation, a unit being four elements or one.
#pragma once

#include <cstdint>

#include "runtime/base/align.h"
#include "runtime/graph/lowering.h"

namespace kiln {

// Elements of a unit when rows of `channels` elements must not be torn: 4 or 1.
constexpr std::uint32_t unit_width(std::uint32_t channels) { return channels % 4 == 0 ? 4 : 1; }

// Groups of four elements that cover a tensor. The last may reach into the padding that ends every
// value (a multiple of 16 bytes, see runtime/graph/plan.cpp).
inline std::uint32_t quads_of(const Shape& shape) {
  return std::uint32_t(divide_up(shape.elements(), 4));
}

// Folded launch of at least `invocations` invocations of kernel K.
template <typename K>
Grid grid_of(const Lowering& to, std::uint64_t invocations,
             const typename K::Constants& constants) {
  return to.folded(divide_up(invocations, constants.workgroup));
}

// The largest power of two, at most `wanted`, that the device allows as the width of a workgroup.
inline std::uint32_t workgroup_width(const DeviceProfile& device, std::uint32_t wanted) {
  std::uint32_t width = 1;
  while (width * 2 <= wanted && width * 2 <= device.max_workgroup_invocations &&
         width * 2 <= device.max_workgroup_size[0]) {
    width *= 2;
  }
  return width;
}

}  // namespace kiln
