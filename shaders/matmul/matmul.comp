// y[r, n] = activation(sum over taps t and inputs k of x[source(r, t), k] * w[t, k, n] + bias[n] + addend).
// A linear layer (one tap) and a convolution (k * k taps, rows are output pixels) are this one sum.
// Each invocation makes ROWS rows by 4 columns in registers. Lanes lie along columns, so that values
// of x are uniform over a row of lanes and weights, packed in panels, are read side by side; where
// LANES is 1 they lie along rows, and weights are uniform.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common/kernel.glsl"
#include "common/activation.glsl"

layout(binding = 0) readonly buffer X { element x[]; };         // [image, pixel, input]
layout(binding = 0) readonly buffer X4 { packed4 x4[]; };       // the same, four inputs at a time
layout(binding = 1) readonly buffer Weight { element4 w4[]; };  // [panel, tap, input, COLUMNS / 4]
layout(binding = 2) readonly buffer Bias { element bias[]; };   // [output]
layout(binding = 3) readonly buffer Addend { element addend[]; };  // like y, or [image or 1, output]
layout(binding = 4) writeonly buffer Y { element y[]; };        // [image, pixel, output]

layout(push_constant) uniform Args {
  uint rows;        // output pixels of all images
  uint first_row;   // of this launch, a band of the rows
  uint inputs;
  uint outputs;
  uint in_height;   // of x, as it lies in memory
  uint in_width;
  uint out_height;
  uint out_width;
  uint addend_rows;  // rows of y that share a row of addend; 0: all of them
};

layout(constant_id = 0) const uint LANES = 8;      // COLUMNS / 4
layout(constant_id = 1) const uint GROUP_ROWS = 1; // invocations along rows
layout(constant_id = 2) const uint ROWS = 8;       // rows an invocation
layout(constant_id = 3) const uint KERNEL = 1;     // side of the convolution, 1 or 3
layout(constant_id = 4) const uint STRIDE = 1;
layout(constant_id = 5) const uint PADDING = 0;    // above and on the left
layout(constant_id = 6) const bool VECTOR = true;  // inputs is a multiple of 4
layout(constant_id = 7) const bool HAS_BIAS = false;
layout(constant_id = 8) const bool HAS_ADDEND = false;
layout(constant_id = 9) const uint ACTIVATION = 0;
layout(constant_id = 10) const uint UPSCALE = 1;   // nearest upsampling before the convolution, 1 or 2
layout(local_size_x_id = 0, local_size_y_id = 1) in;

vec4 sums[ROWS];

#include "matmul/source.glsl"

void add_tap(uint row, uint tap, uint column) {
  uint base[ROWS];
  bool inside[ROWS];
  [[unroll]] for (uint r = 0; r < ROWS; ++r) {
    source(min(row + r, rows - 1), tap / KERNEL, tap % KERNEL, base[r], inside[r]);
  }
  if (VECTOR) {
    for (uint k = 0; k < inputs; k += 4) {
      const uint w = column + k * LANES;
      const vec4 b0 = load4(w4[w]), b1 = load4(w4[w + LANES]);
      const vec4 b2 = load4(w4[w + 2 * LANES]), b3 = load4(w4[w + 3 * LANES]);
      [[unroll]] for (uint r = 0; r < ROWS; ++r) {
        vec4 a = load_packed4(x4[(base[r] + k) / 4]);
        if (KERNEL > 1) a = inside[r] ? a : vec4(0);
        sums[r] = fma(vec4(a.x), b0, sums[r]);
        sums[r] = fma(vec4(a.y), b1, sums[r]);
        sums[r] = fma(vec4(a.z), b2, sums[r]);
        sums[r] = fma(vec4(a.w), b3, sums[r]);
      }
    }
  } else {
    for (uint k = 0; k < inputs; ++k) {
      const vec4 b = load4(w4[column + k * LANES]);
      [[unroll]] for (uint r = 0; r < ROWS; ++r) {
        const float a = inside[r] ? load(x[base[r] + k]) : 0.0;
        sums[r] = fma(vec4(a), b, sums[r]);
      }
    }
  }
}

void main() {
  const uint lane = gl_LocalInvocationID.x;
  const uint group_row = GROUP_ROWS == 1 ? 0 : gl_LocalInvocationID.y;
  const uint row = first_row + (gl_WorkGroupID.y * GROUP_ROWS + group_row) * ROWS;
  if (row >= rows) return;
  const uint taps = KERNEL * KERNEL;
  [[unroll]] for (uint r = 0; r < ROWS; ++r) sums[r] = vec4(0);
  for (uint tap = 0; tap < taps; ++tap) {
    add_tap(row, tap, (gl_WorkGroupID.x * taps + tap) * inputs * LANES + lane);
  }
  const uint first = (gl_WorkGroupID.x * LANES + lane) * 4;
  [[unroll]] for (uint r = 0; r < ROWS; ++r) {
    if (row + r >= rows) break;
    [[unroll]] for (uint c = 0; c < 4; ++c) {
      const uint n = first + c;
      if (n >= outputs) break;
      float value = sums[r][c];
      if (HAS_BIAS) value += load(bias[n]);
      if (HAS_ADDEND) {
        const uint shared_row = addend_rows == 0 ? 0 : (row + r) / addend_rows;
        value += load(addend[shared_row * outputs + n]);
      }
      y[(row + r) * outputs + n] = store(activate(value, ACTIVATION));
    }
  }
}
