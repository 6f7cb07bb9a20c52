// Where the transformed inputs V lie, float32 [i, j, block of ROWS tiles, chunk, tile, kWidth, LANES]:
// what a workgroup of winograd.comp reads in turn lies in a row. Uses LANES, ROWS, UPSCALE and inputs of
// Args.
const uint kProducts = 16;  // of a tile: i, j in 0..3
const uint CHUNK = LANES * kWidth;  // inputs a subgroup loads together

// Of a picture upscaled by 2, lines 1 and 2 of the 4x4 values around a tile are the same, and so are
// columns: what the transform makes of their differences is zero and neither written nor read.
bool is_zero(uint product) { return UPSCALE == 2 && (product / 4 == 2 || product % 4 == 2); }

// Index for the lane's first value of a chunk; the next ones are LANES apart.
uint transformed_at(uint product, uint blocks, uint tile, uint chunk) {
  const uint block = product * blocks + tile / ROWS;
  return ((block * (inputs / CHUNK) + chunk) * ROWS + tile % ROWS) * CHUNK + gl_LocalInvocationID.x;
}
