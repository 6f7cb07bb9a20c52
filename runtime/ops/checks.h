// Checks of operands that several operations share.
#pragma once

#include <string>
#include <string_view>

#include "runtime/base/error.h"
#include "runtime/graph/graph.h"

namespace kiln {

// "<operation> <path>", the place an error begins with. path empty: that of the first operand.
inline std::string place_of(std::string_view operation, std::string_view path, Tensor first) {
  const std::string_view named = path.empty() && first ? std::string_view(first.path()) : path;
  return named.empty() ? std::string(operation) : fmt::format("{} {}", operation, named);
}

// Throws Error unless x is there and of its graph's element type.
inline void require_element(std::string_view place, std::string_view what, Tensor x) {
  if (!x) fail(place, "{} is absent", what);
  if (x.dtype() != x.graph().element()) {
    fail(place, "{} is {}, expected {}", what, to_text(x.dtype()), to_text(x.graph().element()));
  }
}

// Throws Error unless x is there and of this type.
inline void require_type(std::string_view place, std::string_view what, Tensor x, DType type) {
  if (!x) fail(place, "{} is absent", what);
  if (x.dtype() != type) {
    fail(place, "{} is {}, expected {}", what, to_text(x.dtype()), to_text(type));
  }
}

// Throws Error unless x holds `count` numbers of the element type: a vector of channels.
inline void require_vector(std::string_view place, std::string_view what, Tensor x,
                           std::uint32_t count) {
  require_element(place, what, x);
  if (x.shape().elements() != count) {
    fail(place, "{} holds {} numbers, expected {}", what, x.shape().elements(), count);
  }
}

}  // namespace kiln
