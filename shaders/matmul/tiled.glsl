// The sum of matmul.comp for GPUs without matrix units: tiles of both inputs pass through shared
// memory, 16 words at a time; the next ones are loaded while these multiply. A word holds a pair of
// inputs in 16 bits, one in 32. The includer gives fma_word(a, b, c), c + a * b over a word.
#include "common/activation.glsl"

#if defined(ELEMENT_F16)
#define word4 uvec4
const uint kDepth = 2;  // inputs of a word
#else
#define word4 vec4
const uint kDepth = 1;
#endif

layout(binding = 0) readonly buffer X { packed4 x4[]; };       // [image, pixel, input / 4]
layout(binding = 1) readonly buffer Weight { word4 w4[]; };    // [panel, tap, input / depth, 64 / 4]
layout(binding = 2) readonly buffer Bias { element bias[]; };  // [output]
layout(binding = 2) readonly buffer Bias4 { element4 bias4[]; };
layout(binding = 3) readonly buffer Addend { element addend[]; };  // like y, or [image or 1, output]
layout(binding = 3) readonly buffer Addend4 { element4 addend4[]; };
layout(binding = 4) writeonly buffer Y { element y[]; };  // [image, pixel, output]
layout(binding = 4) writeonly buffer Y4 { element4 y4[]; };
layout(binding = 4) writeonly buffer Part { vec4 part4[]; };  // [part, row of the launch, output / 4]

layout(push_constant) uniform Args {
  uint rows;       // output pixels of all images
  uint first_row;  // of this launch, a band of the rows
  uint inputs;     // a multiple of 16 words
  uint outputs;
  uint in_height;  // of x, as it lies in memory
  uint in_width;
  uint out_height;
  uint out_width;
  uint addend_rows;  // rows of y that share a row of addend; 0: all of them
};

layout(constant_id = 0) const uint LANES = 8;        // invocations along columns; each makes eight
layout(constant_id = 1) const uint GROUP_ROWS = 16;  // invocations along rows
layout(constant_id = 2) const uint ROW_QUADS = 2;    // an invocation makes four rows for each
layout(constant_id = 3) const uint KERNEL = 1;       // side of the convolution, 1 or 3
layout(constant_id = 4) const uint STRIDE = 1;
layout(constant_id = 5) const uint PADDING = 0;      // above and on the left
layout(constant_id = 6) const bool VECTOR = true;    // outputs is a multiple of 4
layout(constant_id = 7) const bool HAS_BIAS = false;
layout(constant_id = 8) const bool HAS_ADDEND = false;
layout(constant_id = 9) const uint ACTIVATION = 0;
layout(constant_id = 10) const bool DIVIDED = false;  // see divided.glsl
layout(constant_id = 11) const uint UPSCALE = 1;     // nearest upsampling before the convolution, 1 or 2
layout(local_size_x_id = 0, local_size_y_id = 1) in;

const uint WORKGROUP = LANES * GROUP_ROWS;
const uint TILE_ROWS = GROUP_ROWS * 4 * ROW_QUADS;
const uint PANEL = LANES * 8;  // columns of a tile, whose weights lie together
const uint WORDS = 16;         // of each row and column in shared memory at once
const uint STEP = WORDS * kDepth;
const uint X_SPAN = TILE_ROWS / 4 + 1;  // one more than needed parts the banks
const uint W_SPAN = PANEL / 4;
const uint X_LOADS = TILE_ROWS * (STEP / 4) / WORKGROUP;
const uint W_LOADS = WORDS * W_SPAN / WORKGROUP;
const uint ROWS = 4 * ROW_QUADS;

shared word4 x_tile[WORDS * X_SPAN];  // [word, row / 4]
shared word4 w_tile[WORDS * W_SPAN];  // [word, column / 4]

packed4 next_x[X_LOADS];
word4 next_w[W_LOADS];
uint first_x[X_LOADS];
bool inside[X_LOADS];
vec4 sums[ROWS * 2];

#include "matmul/corner.glsl"
#include "matmul/divided.glsl"

Corner corner[X_LOADS];

void find_sources(uint tap) {
  [[unroll]] for (uint i = 0; i < X_LOADS; ++i) {
    first_x[i] = base_at(corner[i], tap / KERNEL, tap % KERNEL, inside[i]) / 4 +
                 (gl_LocalInvocationIndex + i * WORKGROUP) % (STEP / 4);
  }
}

// step: of all taps; weights lie in this order.
void load_next(uint k, uint step) {
  [[unroll]] for (uint i = 0; i < X_LOADS; ++i) {
    next_x[i] = x4[first_x[i] + k / 4];
    if (KERNEL > 1 && !inside[i]) next_x[i] = packed4(0);
  }
  const uint first = (gl_WorkGroupID.x * KERNEL * KERNEL * (inputs / STEP) + step) * WORDS * W_SPAN;
  [[unroll]] for (uint i = 0; i < W_LOADS; ++i)
    next_w[i] = w4[first + gl_LocalInvocationIndex + i * WORKGROUP];
}

void store_next() {
  [[unroll]] for (uint i = 0; i < X_LOADS; ++i) {
    const uint at = gl_LocalInvocationIndex + i * WORKGROUP;
    const uint row = at / (STEP / 4), word = at % (STEP / 4) * (4 / kDepth);
    [[unroll]] for (uint c = 0; c < 4 / kDepth; ++c)
      x_tile[(word + c) * X_SPAN + row / 4][row % 4] = next_x[i][c];
  }
  [[unroll]] for (uint i = 0; i < W_LOADS; ++i)
    w_tile[gl_LocalInvocationIndex + i * WORKGROUP] = next_w[i];
}

// Rows 4 * (group_row + q * GROUP_ROWS) + 0..3, columns 4 * (lane + h * LANES) + 0..3.
void multiply(uint lane, uint group_row) {
  [[dont_unroll]] for (uint word = 0; word < WORDS; word += 4) {
    [[unroll]] for (uint w = word; w < word + 4; ++w) {
      const word4 b0 = w_tile[w * W_SPAN + lane], b1 = w_tile[w * W_SPAN + lane + LANES];
      [[unroll]] for (uint q = 0; q < ROW_QUADS; ++q) {
        const word4 a = x_tile[w * X_SPAN + group_row + q * GROUP_ROWS];
        [[unroll]] for (uint r = 0; r < 4; ++r) {
          [[unroll]] for (uint c = 0; c < 4; ++c) {
            const uint at = (q * 4 + r) * 2;
            sums[at][c] = fma_word(a[r], b0[c], sums[at][c]);
            sums[at + 1][c] = fma_word(a[r], b1[c], sums[at + 1][c]);
          }
        }
      }
    }
  }
}

uint addend_row(uint row) { return addend_rows == 0 ? 0 : row / addend_rows; }

void write_four(uint row, uint n, vec4 value) {
  if (DIVIDED) {
    if (n < outputs) part4[part_quad(row, n)] = value;
    return;
  }
  if (VECTOR) {
    if (n >= outputs) return;
    if (HAS_BIAS) value += load4(bias4[n / 4]);
    if (HAS_ADDEND) value += load4(addend4[(addend_row(row) * outputs + n) / 4]);
    if (ACTIVATION != kNone) {
      [[unroll]] for (uint c = 0; c < 4; ++c) value[c] = activate(value[c], ACTIVATION);
    }
    y4[(row * outputs + n) / 4] = store4(value);
    return;
  }
  [[unroll]] for (uint c = 0; c < 4; ++c) {
    if (n + c >= outputs) break;
    float one = value[c];
    if (HAS_BIAS) one += load(bias[n + c]);
    if (HAS_ADDEND) one += load(addend[addend_row(row) * outputs + n + c]);
    y[row * outputs + n + c] = store(activate(one, ACTIVATION));
  }
}

void main() {
  const uint lane = gl_LocalInvocationID.x, group_row = gl_LocalInvocationID.y;
  const uint tile_row = first_row + gl_WorkGroupID.y * TILE_ROWS;
  [[unroll]] for (uint i = 0; i < ROWS * 2; ++i) sums[i] = vec4(0);
  [[unroll]] for (uint i = 0; i < X_LOADS; ++i) {
    const uint mine = tile_row + (gl_LocalInvocationIndex + i * WORKGROUP) / (STEP / 4);
    corner[i] = corner_of(min(mine, rows - 1));
  }
  uint tap, k;
  const uint first = first_step(tap, k), end = end_step();
  find_sources(tap);
  load_next(k, first);
  [[dont_unroll]] for (uint step = first + 1; DIVIDED ? step <= end : tap < kTaps; ++step) {
    barrier();  // all have multiplied what was there
    store_next();
    barrier();
    k += STEP;
    if (k == inputs) {
      k = 0;
      ++tap;
      if (KERNEL > 1 && tap < kTaps) find_sources(tap);
    }
    if (DIVIDED ? step < end : tap < kTaps) load_next(k, step);
    multiply(lane, group_row);
  }
  const uint n = gl_WorkGroupID.x * PANEL + lane * 4;
  [[unroll]] for (uint r = 0; r < ROWS; ++r) {
    const uint row = tile_row + (group_row + r / 4 * GROUP_ROWS) * 4 + r % 4;
    if (row >= rows) break;
    write_four(row, n, sums[r * 2]);
    write_four(row, n + LANES * 4, sums[r * 2 + 1]);
  }
}
