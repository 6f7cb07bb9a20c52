// Where the transformed inputs V lie, float32 [i, j, block of ROWS tiles, step, tile, STEP]: what a
// workgroup of winograd.comp reads in turn lies in a row. Uses LANES, UPSCALE and inputs of Args.
const uint ROWS = 16;  // tiles a workgroup of winograd.comp
const uint VALUES = 1;
#include "matmul/packed.glsl"

const uint kProducts = 16;  // of a tile: i, j in 0..3

// Of a picture upscaled by 2, lines 1 and 2 of the 4x4 values around a tile are the same, and so are
// columns: what the transform makes of their differences is zero and neither written nor read.
bool is_zero(uint product) { return UPSCALE == 2 && (product / 4 == 2 || product % 4 == 2); }

// Index of V[i, j] of a tile's input k.
uint transformed_at(uint product, uint blocks, uint tile, uint k) {
  const uint block = product * blocks + tile / ROWS;
  return ((block * (inputs / STEP) + k / STEP) * ROWS + tile % ROWS) * STEP + k % STEP;
}
