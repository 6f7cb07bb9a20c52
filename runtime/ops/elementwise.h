// The elementwise operations as classes, for the operations that take over their work.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/graph/op.h"

namespace kiln {

// y = a + b. Inputs: a, b. The result is like a.
class Add : public Op {
 public:
  // Extents of b.
  enum class Broadcast : std::uint8_t {
    none,       // like a
    per_image,  // [batch, 1, 1, channels]: added to every pixel of its image
    shared,     // [1, 1, 1, channels]: added to every pixel of every image
  };

  explicit Add(Broadcast broadcast) : broadcast_(broadcast) {}

  // Only input 1 is ever broadcast; with `none` the two inputs are interchangeable.
  Broadcast broadcast() const { return broadcast_; }

  std::string_view name() const override { return "add"; }
  std::string details() const override;
  void lower(Lowering& to) const override;

 private:
  Broadcast broadcast_;
};

// y = f(x), element by element. Input: x.
class Unary : public Op {
 public:
  // The numbers are those of shaders/common/activation.glsl (function `activate`); 0 there is
  // "none", so that a kernel which absorbs one of these needs a single constant.
  enum class Function : std::uint32_t {
    silu = 1,        // x * sigmoid(x)
    gelu = 2,        // x * (1 + erf(x / sqrt 2)) / 2
    quick_gelu = 3,  // x * sigmoid(1.702 x)
    scale = 4,       // x * factor; not in activation.glsl
  };

  explicit Unary(Function function, float factor = 1.0f) : function_(function), factor_(factor) {}

  Function function() const { return function_; }
  float factor() const { return factor_; }  // used by scale only

  std::string_view name() const override;  // "silu", "gelu", "quick_gelu" or "scale"
  std::vector<Parameter> parameters() const override { return {{"factor", double(factor_)}}; }
  void lower(Lowering& to) const override;

 private:
  Function function_;
  float factor_;
};

}  // namespace kiln
