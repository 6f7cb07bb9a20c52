// Activations, chosen by a specialization constant.
#ifndef KILN_ACTIVATION_GLSL
#define KILN_ACTIVATION_GLSL

#include "common/math.glsl"

// The same numbers as Unary::Function (runtime/ops/elementwise.h).
const uint kNone = 0u;
const uint kSilu = 1u;
const uint kGelu = 2u;
const uint kQuickGelu = 3u;

// exp overflows to infinity for x < -88, which gives -0 here, the right limit.
float silu(float x) { return x / (1.0 + exp(-x)); }

float quick_gelu(float x) { return x / (1.0 + exp(-1.702 * x)); }

// x * (1 + erf(x / sqrt 2)) / 2, with no cancellation on either side.
float gelu(float x) {
  const float part = x * normal_tail(abs(x));
  return x < 0.0 ? part : x - part;
}

float activate(float x, uint activation) {
  if (activation == kSilu) return silu(x);
  if (activation == kGelu) return gelu(x);
  if (activation == kQuickGelu) return quick_gelu(x);
  return x;
}

#endif
