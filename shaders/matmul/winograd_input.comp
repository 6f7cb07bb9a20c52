// V[i, j] = B^T d B for the 4x4 values d of a channel around a tile of 2x2 output pixels: the input
// transform of F(2x2, 3x3) (Lavin and Gray, 2015). A workgroup is one subgroup and takes one tile.
// The picture that is convolved is x with UPSCALE pixels for each, across and down.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common/kernel.glsl"
#include "common/words.glsl"

layout(binding = 0) readonly buffer X { word x[]; };      // [image, y, x, input]
layout(binding = 1) writeonly buffer V { float v[]; };    // see winograd.glsl

layout(push_constant) uniform Args {
  uint first_tile;  // of this launch, a band of the tiles of all images
  uint tiles;       // in this launch; workgroups beyond them repeat the last one
  uint inputs;      // a multiple of LANES, in 16 bits of 2 * LANES
  uint height;      // of the picture that is convolved
  uint width;
};

layout(constant_id = 0) const uint LANES = 8;  // size of a subgroup
layout(constant_id = 1) const uint UPSCALE = 1;  // 1 or 2
layout(local_size_x_id = 0) in;

#include "matmul/winograd.glsl"

// Values of inputs k and, in 16 bits, k + 1.
void put(uint product, uint k, vec2 values) {
  if (is_zero(product)) return;
  const uint at = transformed_at(product, gl_NumWorkGroups.x / ROWS, gl_WorkGroupID.x, k);
  v[at] = values.x;
  if (kWidth == 2) v[at + 1] = values.y;
}

void main() {
  const uint across = (width + 1) / 2, down = (height + 1) / 2;
  const uint tile = first_tile + min(gl_WorkGroupID.x, tiles - 1);
  const uint image = tile / (across * down);
  const uint top = tile / across % down * 2 - 1;  // wraps below 0: not inside
  const uint left = tile % across * 2 - 1;
  for (uint first = 0; first < inputs; first += LANES * kWidth) {
    const uint k = first + gl_LocalInvocationID.x * kWidth;
    vec2 d[16];
    [[unroll]] for (uint i = 0; i < 16; ++i) {
      const uint at_y = top + i / 4, at_x = left + i % 4;
      d[i] = vec2(0);
      if (at_y < height && at_x < width) {
        const uint line = image * (height / UPSCALE) + at_y / UPSCALE;
        const uint pixel = line * (width / UPSCALE) + at_x / UPSCALE;
        d[i] = values(x[(pixel * inputs + k) / kWidth]);
      }
    }
    [[unroll]] for (uint i = 0; i < 4; ++i) {  // B^T d
      const vec2 a = d[i], b = d[4 + i], c = d[8 + i];
      d[i] = a - c;
      d[4 + i] = b + c;
      d[8 + i] = c - b;
      d[12 + i] = b - d[12 + i];
    }
    [[unroll]] for (uint i = 0; i < 16; i += 4) {  // (B^T d) B
      const vec2 a = d[i], b = d[i + 1], c = d[i + 2];
      put(i, k, a - c);
      put(i + 1, k, b + c);
      put(i + 2, k, c - b);
      put(i + 3, k, b - d[i + 3]);
    }
  }
}
