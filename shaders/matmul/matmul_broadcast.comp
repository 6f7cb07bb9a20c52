// The sum of matmul.comp for devices that run a subgroup as one vector, such as software Vulkan. A
// workgroup is one subgroup. Each lane loads other inputs of some rows of x, whose values then reach all
// lanes by broadcast: no bounds are checked for every single value, as with loads that are uniform.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_shader_subgroup_ballot : require
#include "common/kernel.glsl"
#include "common/activation.glsl"

#include "common/words.glsl"

layout(binding = 0) readonly buffer X { word x[]; };            // [image, pixel, input]
layout(binding = 1) readonly buffer Weight { word weight[]; };  // [panel, tap, input, COLUMNS]
layout(binding = 2) readonly buffer Bias { word bias[]; };      // [output]
layout(binding = 3) readonly buffer Addend { word addend[]; };  // like y, or [image or 1, output]
layout(binding = 4) writeonly buffer Y { word y[]; };           // [image, pixel, output]

layout(push_constant) uniform Args {
  uint rows;        // output pixels of all images
  uint first_row;   // of this launch, a band of the rows
  uint inputs;      // a multiple of STEP
  uint outputs;     // in 16 bits even
  uint in_height;   // of x, as it lies in memory
  uint in_width;
  uint out_height;
  uint out_width;
  uint addend_rows;  // rows of y that share a row of addend; 0: all of them
};

layout(constant_id = 0) const uint LANES = 8;      // size of a subgroup
layout(constant_id = 1) const uint ROWS = 16;      // rows a workgroup
layout(constant_id = 2) const uint KERNEL = 1;     // side of the convolution, 1 or 3
layout(constant_id = 3) const uint STRIDE = 1;
layout(constant_id = 4) const uint PADDING = 0;    // above and on the left
layout(constant_id = 5) const bool HAS_BIAS = false;
layout(constant_id = 6) const bool HAS_ADDEND = false;
layout(constant_id = 7) const uint ACTIVATION = 0;
layout(constant_id = 8) const uint UPSCALE = 1;    // nearest upsampling before the convolution, 1 or 2
layout(constant_id = 9) const uint WIDE = 4;
layout(local_size_x_id = 0) in;

const uint VALUES = kWidth;
#include "matmul/packed.glsl"
#include "matmul/broadcast.glsl"
#include "matmul/source.glsl"

void add_tap(uint row, uint tap, uint first_weight) {
  const uint words = STEP / kWidth;  // of a row in a load
  const uint mine = min(gl_LocalInvocationID.x / words, PACKED - 1);
  uint base[LOADS];
  bool inside[LOADS];
  [[unroll]] for (uint r = 0; r < LOADS; ++r) {
    const uint at = min(row + r * PACKED + mine, rows - 1);
    source(at, tap / KERNEL, tap % KERNEL, base[r], inside[r]);
  }
  for (uint k = 0; k < inputs; k += STEP) {
    vec2 a[LOADS];
    [[unroll]] for (uint r = 0; r < LOADS; ++r) {
      const vec2 loaded = values(x[(base[r] + k) / kWidth + gl_LocalInvocationID.x % words]);
      a[r] = KERNEL == 1 || inside[r] ? loaded : vec2(0);
    }
    [[unroll]] for (uint first = 0; first < STEP; first += BLOCK) {
      add_block(a, first_weight + k * COLUMNS / kWidth, first);
    }
  }
}

void main() {
  const uint lane = gl_LocalInvocationID.x;
  const uint row = first_row + gl_WorkGroupID.y * ROWS;
  const uint taps = KERNEL * KERNEL;
  [[unroll]] for (uint i = 0; i < ROWS * WIDE; ++i) sums[i] = 0;
  for (uint tap = 0; tap < taps; ++tap) {
    const uint panel = (gl_WorkGroupID.x * taps + tap) * inputs * COLUMNS;
    add_tap(row, tap, panel / kWidth + lane);
  }
  load_biases(gl_WorkGroupID.x);
  [[unroll]] for (uint r = 0; r < ROWS; ++r) {
    if (row + r >= rows) break;
    [[unroll]] for (uint pair = 0; pair < WIDE / kWidth; ++pair) {
      const uint i = r * WIDE + pair * kWidth;
      finish(row + r, gl_WorkGroupID.x, pair, vec2(sums[i], sums[i + kWidth - 1]));
    }
  }
}
