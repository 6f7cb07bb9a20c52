// The sum of matmul.comp on matrix units (KHR_cooperative_matrix): 16-bit inputs, float32 sums.
// A workgroup makes TILE_ROWS x TILE_COLUMNS of y, each of its subgroups a part of that. Both inputs
// pass through shared memory, 32 inputs at a time; the next ones are loaded while these multiply.
#version 460
#define ONLY_ELEMENT_F16
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#include "common/kernel.glsl"
#include "common/activation.glsl"

layout(binding = 0) readonly buffer X { uvec4 x8[]; };          // [image, pixel, input / 8]
layout(binding = 1) readonly buffer Weight { uvec4 w8[]; };     // [panel, tap, input / 32, 64, 32 / 8]
layout(binding = 2) readonly buffer Bias { element bias[]; };   // [output]
layout(binding = 2) readonly buffer Bias4 { element4 bias4[]; };
layout(binding = 3) readonly buffer Addend { element addend[]; };  // like y, or [image or 1, output]
layout(binding = 3) readonly buffer Addend4 { element4 addend4[]; };
layout(binding = 4) writeonly buffer Y { element y[]; };        // [image, pixel, output]
layout(binding = 4) writeonly buffer Y4 { element4 y4[]; };
layout(binding = 4) writeonly buffer Part { vec4 part4[]; };    // [part, row of the launch, output / 4]

layout(push_constant) uniform Args {
  uint rows;        // output pixels of all images
  uint first_row;   // of this launch, a band of the rows
  uint inputs;      // a multiple of 32
  uint outputs;
  uint in_height;   // of x, as it lies in memory
  uint in_width;
  uint out_height;
  uint out_width;
  uint addend_rows;  // rows of y that share a row of addend; 0: all of them
};

layout(constant_id = 0) const uint SUBGROUP = 32;      // the size subgroups must have
layout(constant_id = 1) const uint WORKGROUP = 128;    // SUBGROUP * SUBGROUPS_M * SUBGROUPS_N
layout(constant_id = 2) const uint SUBGROUPS_M = 2;    // along rows
layout(constant_id = 3) const uint SUBGROUPS_N = 2;    // along columns
layout(constant_id = 4) const uint MATRICES_M = 4;     // matrices of sums a subgroup, along rows
layout(constant_id = 5) const uint MATRICES_N = 4;
layout(constant_id = 6) const uint MATRIX_M = 16;      // what the unit multiplies
layout(constant_id = 7) const uint MATRIX_N = 16;
layout(constant_id = 8) const uint MATRIX_K = 16;
layout(constant_id = 9) const uint KERNEL = 1;     // side of the convolution, 1 or 3
layout(constant_id = 10) const uint STRIDE = 1;
layout(constant_id = 11) const uint PADDING = 0;    // above and on the left
layout(constant_id = 12) const bool VECTOR = true;  // outputs is a multiple of 4
layout(constant_id = 13) const bool HAS_BIAS = false;
layout(constant_id = 14) const bool HAS_ADDEND = false;
layout(constant_id = 15) const uint ACTIVATION = 0;
layout(constant_id = 16) const bool DIVIDED = false;  // see divided.glsl
layout(constant_id = 17) const uint UPSCALE = 1;    // nearest upsampling before the convolution, 1 or 2
layout(local_size_x_id = 1) in;

const uint TILE_ROWS = SUBGROUPS_M * MATRICES_M * MATRIX_M;
const uint TILE_COLUMNS = SUBGROUPS_N * MATRICES_N * MATRIX_N;
const uint PANEL = 64;  // columns whose weights lie together
const uint STEP = 32;   // inputs in shared memory at once
const uint EIGHTS = STEP / 8;
const uint SPAN = EIGHTS + 1;  // of a row or column in shared memory: one more parts the banks
const uint X_LOADS = TILE_ROWS * EIGHTS / WORKGROUP;
const uint W_LOADS = TILE_COLUMNS * EIGHTS / WORKGROUP;
const uint SUMS = MATRIX_M * MATRIX_N;

shared uvec4 x_tile[TILE_ROWS * SPAN];
shared uvec4 w_tile[TILE_COLUMNS * SPAN];
shared vec4 results[SUBGROUPS_M * SUBGROUPS_N * SUMS / 4];  // one matrix a subgroup

coopmat<float, gl_ScopeSubgroup, MATRIX_M, MATRIX_N, gl_MatrixUseAccumulator>
    sums[MATRICES_M * MATRICES_N];
uvec4 next_x[X_LOADS], next_w[W_LOADS];
uint first_x[X_LOADS], first_w[W_LOADS];
bool inside[X_LOADS];

#include "matmul/corner.glsl"
#include "matmul/divided.glsl"

Corner corner[X_LOADS];

uint first_tile_row() { return first_row + gl_WorkGroupID.y * TILE_ROWS; }

// What stays the same at every step: the rows of x, and the first eight weights to load.
void find_corners() {
  const uint last_panel = (outputs - 1) / PANEL;
  [[unroll]] for (uint i = 0; i < X_LOADS; ++i) {
    const uint row = first_tile_row() + (gl_LocalInvocationIndex + i * WORKGROUP) / EIGHTS;
    corner[i] = corner_of(min(row, rows - 1));
  }
  [[unroll]] for (uint i = 0; i < W_LOADS; ++i) {
    const uint at = gl_LocalInvocationIndex + i * WORKGROUP;
    const uint column = gl_WorkGroupID.x * TILE_COLUMNS + at / EIGHTS;
    const uint panel = min(column / PANEL, last_panel);
    const uint blocks = panel * KERNEL * KERNEL * (inputs / STEP);
    first_w[i] = (blocks * PANEL + column % PANEL) * EIGHTS + at % EIGHTS;
  }
}

void find_sources(uint tap) {
  [[unroll]] for (uint i = 0; i < X_LOADS; ++i) {
    first_x[i] = base_at(corner[i], tap / KERNEL, tap % KERNEL, inside[i]) / 8 +
                 (gl_LocalInvocationIndex + i * WORKGROUP) % EIGHTS;
  }
}

// step: of all taps; weights lie in this order.
void load_next(uint k, uint step) {
  [[unroll]] for (uint i = 0; i < X_LOADS; ++i) {
    next_x[i] = x8[first_x[i] + k / 8];
    if (KERNEL > 1 && !inside[i]) next_x[i] = uvec4(0);
  }
  [[unroll]] for (uint i = 0; i < W_LOADS; ++i)
    next_w[i] = w8[first_w[i] + step * (PANEL * EIGHTS)];
}

void store_next() {
  [[unroll]] for (uint i = 0; i < X_LOADS; ++i) {
    const uint at = gl_LocalInvocationIndex + i * WORKGROUP;
    x_tile[at / EIGHTS * SPAN + at % EIGHTS] = next_x[i];
  }
  [[unroll]] for (uint i = 0; i < W_LOADS; ++i) {
    const uint at = gl_LocalInvocationIndex + i * WORKGROUP;
    w_tile[at / EIGHTS * SPAN + at % EIGHTS] = next_w[i];
  }
}

void multiply(uint row, uint column) {
  [[unroll]] for (uint k = 0; k < STEP; k += MATRIX_K) {
    coopmat<float16_t, gl_ScopeSubgroup, MATRIX_M, MATRIX_K, gl_MatrixUseA> a[MATRICES_M];
    [[unroll]] for (uint i = 0; i < MATRICES_M; ++i) {
      coopMatLoad(a[i], x_tile, (row + i * MATRIX_M) * SPAN + k / 8, SPAN,
                  gl_CooperativeMatrixLayoutRowMajor);
    }
    [[unroll]] for (uint j = 0; j < MATRICES_N; ++j) {
      coopmat<float16_t, gl_ScopeSubgroup, MATRIX_K, MATRIX_N, gl_MatrixUseB> b;
      coopMatLoad(b, w_tile, (column + j * MATRIX_N) * SPAN + k / 8, SPAN,
                  gl_CooperativeMatrixLayoutColumnMajor);
      [[unroll]] for (uint i = 0; i < MATRICES_M; ++i)
        sums[i * MATRICES_N + j] = coopMatMulAdd(a[i], b, sums[i * MATRICES_N + j]);
    }
  }
}

uint addend_row(uint row) { return addend_rows == 0 ? 0 : row / addend_rows; }

void write_one(uint row, uint n, float value) {
  if (HAS_BIAS) value += load(bias[n]);
  if (HAS_ADDEND) value += load(addend[addend_row(row) * outputs + n]);
  y[row * outputs + n] = store(activate(value, ACTIVATION));
}

void write_four(uint row, uint n, vec4 value) {
  if (HAS_BIAS) value += load4(bias4[n / 4]);
  if (HAS_ADDEND) value += load4(addend4[(addend_row(row) * outputs + n) / 4]);
  if (ACTIVATION != kNone) {
    [[unroll]] for (uint c = 0; c < 4; ++c) value[c] = activate(value[c], ACTIVATION);
  }
  y4[(row * outputs + n) / 4] = store4(value);
}

// Where an element of a matrix lies is the device's secret: through shared memory.
void write_sums(uint top, uint left) {
  const uint lane = gl_SubgroupInvocationID, mine = gl_SubgroupID * SUMS / 4;
  [[unroll]] for (uint i = 0; i < MATRICES_M; ++i) {
    [[unroll]] for (uint j = 0; j < MATRICES_N; ++j) {
      coopMatStore(sums[i * MATRICES_N + j], results, mine, MATRIX_N / 4,
                   gl_CooperativeMatrixLayoutRowMajor);
      barrier();
      for (uint at = lane; at < SUMS / 4; at += SUBGROUP) {
        const uint row = top + i * MATRIX_M + at / (MATRIX_N / 4);
        const uint n = left + j * MATRIX_N + at % (MATRIX_N / 4) * 4;
        const vec4 value = results[mine + at];
        if (row >= rows) continue;
        if (DIVIDED) {
          if (n < outputs) part4[part_quad(row, n)] = value;
        } else if (VECTOR) {
          if (n < outputs) write_four(row, n, value);
        } else {
          [[unroll]] for (uint c = 0; c < 4; ++c) {
            if (n + c < outputs) write_one(row, n + c, value[c]);
          }
        }
      }
      barrier();
    }
  }
}

void main() {
  const uint row = gl_SubgroupID / SUBGROUPS_N * MATRICES_M * MATRIX_M;
  const uint column = gl_SubgroupID % SUBGROUPS_N * MATRICES_N * MATRIX_N;
  [[unroll]] for (uint i = 0; i < MATRICES_M * MATRICES_N; ++i) {
    sums[i] =
        coopmat<float, gl_ScopeSubgroup, MATRIX_M, MATRIX_N, gl_MatrixUseAccumulator>(0.0);
  }
  find_corners();
  uint tap, k;
  const uint first = first_step(tap, k), end = end_step();
  find_sources(tap);
  load_next(k, first);
  for (uint step = first + 1; DIVIDED ? step <= end : tap < kTaps; ++step) {
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
    multiply(row, column);
  }
  write_sums(first_tile_row() + row, gl_WorkGroupID.x * TILE_COLUMNS + column);
}
