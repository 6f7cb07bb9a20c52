// Sums of ROWS rows by COLUMNS outputs, for one subgroup a workgroup: inputs that lanes loaded side by
// side reach all lanes by broadcast. Uses the buffers of words but x, outputs and addend_rows of Args,
// LANES, ROWS, WIDE (columns a lane, a multiple of kWidth), HAS_BIAS, HAS_ADDEND, ACTIVATION, and what
// packed.glsl defines.
const uint COLUMNS = WIDE * LANES;
const uint BLOCK = 4;  // inputs whose weights are in registers together

float sums[ROWS * WIDE];

// Adds products of inputs first..first + BLOCK - 1 of the step whose values are in a.
void add_block(vec2 a[LOADS], uint first_weight, uint first) {
  vec2 b[BLOCK * WIDE / kWidth];
  [[unroll]] for (uint i = 0; i < BLOCK; ++i) {
    [[unroll]] for (uint c = 0; c < WIDE / kWidth; ++c) {
      b[i * WIDE / kWidth + c] =
          values(weight[first_weight + (first + i) * COLUMNS / kWidth + c * LANES]);
    }
  }
  [[unroll]] for (uint r = 0; r < ROWS; ++r) {
    [[unroll]] for (uint i = 0; i < BLOCK; ++i) {
      const uint at = r % PACKED * STEP + first + i;
      const float value = subgroupBroadcast(a[r / PACKED][at % VALUES], at / VALUES);
      [[unroll]] for (uint c = 0; c < WIDE; ++c) {
        sums[r * WIDE + c] =
            fma(value, b[(i * WIDE + c) / kWidth][c % kWidth], sums[r * WIDE + c]);
      }
    }
  }
}

// The first of the kWidth outputs that are columns kWidth * pair and on of the lane, as
// Packing::Layout::panels lays them out in words.
uint output_of(uint panel, uint pair) {
  return panel * COLUMNS + (pair * LANES + gl_LocalInvocationID.x) * kWidth;
}

vec2 biases[WIDE / kWidth];

// Once for all rows: a driver compiles each load into blocks of its own.
void load_biases(uint panel) {
  if (!HAS_BIAS) return;
  [[unroll]] for (uint pair = 0; pair < WIDE / kWidth; ++pair) {
    const uint n = output_of(panel, pair);
    if (n < outputs) biases[pair] = values(bias[n / kWidth]);
  }
}

// Writes kWidth outputs of a row, after load_biases.
void finish(uint row, uint panel, uint pair, vec2 value) {
  const uint n = output_of(panel, pair);
  if (n >= outputs) return;
  if (HAS_BIAS) value += biases[pair];
  if (HAS_ADDEND) {
    const uint shared_row = addend_rows == 0 ? 0 : row / addend_rows;
    value += values(addend[(shared_row * outputs + n) / kWidth]);
  }
  value.x = activate(value.x, ACTIVATION);
  if (kWidth == 2) value.y = activate(value.y, ACTIVATION);
  y[(row * outputs + n) / kWidth] = word_of(value);
}
