// y = activation(A^T (sum over inputs k of V[i, j, k] U[i, j, k]) A + bias + addend): a convolution of
// 3x3 as F(2x2, 3x3) (Lavin and Gray, 2015) with V of winograd_input.comp and transformed weights U.
// A workgroup is one subgroup; it adds the products of its tiles to their four pixels in turn.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_shader_subgroup_ballot : require
#include "common/kernel.glsl"
#include "common/activation.glsl"
#include "common/words.glsl"

layout(binding = 0) readonly buffer V { float v[]; };           // see winograd.glsl
layout(binding = 1) readonly buffer Weight { word weight[]; };  // [panel, i, j, input, COLUMNS]
layout(binding = 2) readonly buffer Bias { word bias[]; };      // [output]
layout(binding = 3) readonly buffer Addend { word addend[]; };  // like y, or [image or 1, output]
layout(binding = 4) writeonly buffer Y { word y[]; };           // [image, y, x, output]

layout(push_constant) uniform Args {
  uint first_tile;  // of this launch, a band of the tiles of all images
  uint tiles;       // in this launch
  uint inputs;      // a multiple of LANES, in 16 bits of 2 * LANES
  uint outputs;     // in 16 bits even
  uint height;
  uint width;
  uint addend_rows;  // pixels that share a row of addend; 0: all of them
};

layout(constant_id = 0) const uint LANES = 8;  // size of a subgroup
layout(constant_id = 1) const bool HAS_BIAS = false;
layout(constant_id = 2) const bool HAS_ADDEND = false;
layout(constant_id = 3) const uint ACTIVATION = 0;
layout(constant_id = 4) const uint UPSCALE = 1;  // of winograd_input.comp
layout(local_size_x_id = 0) in;

const uint WIDE = 4;
#include "matmul/winograd.glsl"
#include "matmul/broadcast.glsl"

float pixels[4 * ROWS * WIDE];  // [tile, y, x, column]

// Row and column of A^T, of which the entries are 0, 1 and -1.
float upper(uint i) { return i < 3 ? 1.0 : 0.0; }
float lower(uint i) { return i == 0 ? 0.0 : i == 1 ? 1.0 : -1.0; }

void add_product(uint first, uint product) {
  [[unroll]] for (uint i = 0; i < ROWS * WIDE; ++i) sums[i] = 0;
  uint weight_at = (gl_WorkGroupID.x * kProducts + product) * inputs * COLUMNS / kWidth +
                   gl_LocalInvocationID.x;
  uint at = transformed_at(product, gl_NumWorkGroups.y, first, 0) + gl_LocalInvocationID.x;
  for (uint k = 0; k < inputs; k += STEP) {
    vec2 a[LOADS];
    [[unroll]] for (uint r = 0; r < LOADS; ++r) a[r].x = v[at + r * LANES];
    [[unroll]] for (uint block = 0; block < STEP; block += BLOCK) add_block(a, weight_at, block);
    weight_at += STEP * COLUMNS / kWidth;
    at += ROWS * STEP;
  }
  const uint i = product / 4, j = product % 4;
  const float share[4] = {upper(i) * upper(j), upper(i) * lower(j), lower(i) * upper(j),
                          lower(i) * lower(j)};
  [[unroll]] for (uint p = 0; p < 4; ++p) {
    [[unroll]] for (uint s = 0; s < ROWS * WIDE; ++s) {
      const uint i = (s / WIDE * 4 + p) * WIDE + s % WIDE;
      pixels[i] = fma(share[p], sums[s], pixels[i]);
    }
  }
}

// The tile whose pixels come first.
void write(uint tile) {
  const uint across = (width + 1) / 2, down = (height + 1) / 2;
  const uint image = tile / (across * down);
  [[unroll]] for (uint p = 0; p < 4; ++p) {
    const uint at_y = tile / across % down * 2 + p / 2, at_x = tile % across * 2 + p % 2;
    if (at_y >= height || at_x >= width) continue;
    const uint row = (image * height + at_y) * width + at_x;
    [[unroll]] for (uint pair = 0; pair < WIDE / kWidth; ++pair) {
      const uint i = p * WIDE + pair * kWidth;
      finish(row, gl_WorkGroupID.x, pair, vec2(pixels[i], pixels[i + kWidth - 1]));
    }
  }
}

void main() {
  const uint first = gl_WorkGroupID.y * ROWS;
  [[unroll]] for (uint i = 0; i < 4 * ROWS * WIDE; ++i) pixels[i] = 0;
  for (uint product = 0; product < kProducts; ++product) {
    if (!is_zero(product)) add_product(first, product);
  }
  load_biases(gl_WorkGroupID.x);
  // In a loop: copies of write would take a driver longer to compile than all the rest. The next tiles'
  // pixels move up, as an index that is no constant would keep them out of registers.
  [[dont_unroll]] for (uint done = 0; done < ROWS; ++done) {
    if (first + done >= tiles) return;
    write(first_tile + first + done);
    [[unroll]] for (uint i = 0; i < (ROWS - 1) * 4 * WIDE; ++i) pixels[i] = pixels[i + 4 * WIDE];
  }
}
