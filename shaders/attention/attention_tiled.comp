// The sum of attention.comp for GPUs: a workgroup shares tiles of queries and keys in shared memory.
// Lanes split the keys of a tile for the scores, then the channels of a head for the sums, so that no
// invocation holds a whole head: each makes ROWS queries by KEYS scores, then ROWS by QUADS / LANES.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common/kernel.glsl"

layout(binding = 0) readonly buffer Q { element q[]; };    // [image, query, head, d]
layout(binding = 0) readonly buffer Q4 { packed4 q4[]; };
layout(binding = 1) readonly buffer K { element k[]; };    // [image, key, head, d]
layout(binding = 1) readonly buffer K4 { packed4 k4[]; };
layout(binding = 2) readonly buffer V { element v[]; };    // [image, key, head, d]
layout(binding = 2) readonly buffer V4 { packed4 v4[]; };
layout(binding = 3) writeonly buffer Y { element y[]; };   // [image, query, head, d]
layout(binding = 3) writeonly buffer Y4 { element4 y4[]; };

layout(push_constant) uniform Args {
  uint queries;
  uint keys;
  uint heads;
  uint first_query;  // of this launch, a band of the queries
  uint causal;       // 1: query i sees keys 0..i
  float scale;       // 1 / sqrt(d)
  uint q_heads;      // in a row of the tensor that holds q, whose own are the first
  uint kv_heads;     // in a row of the one that holds k or v
  uint k_head;       // the first of k's in it
  uint v_head;       // the first of v's
};

layout(constant_id = 0) const uint LANES = 4;       // invocations along keys and channels
layout(constant_id = 1) const uint GROUP_ROWS = 32; // invocations along queries
layout(constant_id = 2) const uint ROWS = 4;        // queries an invocation
layout(constant_id = 3) const uint KEYS = 4;        // scores an invocation and query; 4 or 8
layout(constant_id = 4) const uint HEAD = 40;       // d
layout(constant_id = 5) const uint CHUNK = 10;      // quads of a head in shared memory at once
layout(constant_id = 6) const bool VECTOR = true;   // d is a multiple of 4
layout(local_size_x_id = 0, local_size_y_id = 1) in;

const uint QUADS = (HEAD + 3) / 4;
const uint MINE = (QUADS + LANES - 1) / LANES;  // quads of the sum an invocation
const uint QUERY_TILE = GROUP_ROWS * ROWS;
const uint KEY_TILE = LANES * KEYS;
const uint STRIDE = CHUNK + 1;        // of a tile's rows: one more than needed parts the banks
const uint SHARES = KEY_TILE / 4 + 1;
const float kLeast = -3.0e38;

shared packed4 query_tile[QUERY_TILE * STRIDE];
shared packed4 key_tile[KEY_TILE * STRIDE];
// exp(score - most); share KEYS * l + j of a row is that of key j * LANES + l of the tile
shared vec4 shares[QUERY_TILE * SHARES];
shared float partial[QUERY_TILE * LANES];  // each lane's maximum or sum

float scores[ROWS * KEYS];
vec4 sums[ROWS * MINE];

#if defined(ELEMENT_F16)
packed4 packed(vec4 value) { return uvec2(packHalf2x16(value.xy), packHalf2x16(value.zw)); }
#else
packed4 packed(vec4 value) { return value; }
#endif

packed4 quad_of_q(uint base, uint i) {
  if (VECTOR) return q4[base / 4 + i];
  vec4 value = vec4(0);
  for (uint c = 0; c < min(4u, HEAD - i * 4); ++c) value[c] = load(q[base + i * 4 + c]);
  return packed(value);
}

packed4 quad_of_k(uint base, uint i) {
  if (VECTOR) return k4[base / 4 + i];
  vec4 value = vec4(0);
  for (uint c = 0; c < min(4u, HEAD - i * 4); ++c) value[c] = load(k[base + i * 4 + c]);
  return packed(value);
}

vec4 quad_of_v(uint base, uint i) {
  if (VECTOR) return load_packed4(v4[base / 4 + i]);
  vec4 value = vec4(0);
  for (uint c = 0; c < min(4u, HEAD - i * 4); ++c) value[c] = load(v[base + i * 4 + c]);
  return value;
}

uint first_of_query(uint row) {
  const uint at = gl_WorkGroupID.z * queries + min(row, queries - 1);
  return (at * q_heads + gl_WorkGroupID.y) * HEAD;
}

// head: that of a row which is the first of k or v.
uint first_of_key(uint key, uint head) {
  const uint at = gl_WorkGroupID.z * keys + min(key, keys - 1);
  return (at * kv_heads + gl_WorkGroupID.y + head) * HEAD;
}

// Quads chunk .. chunk + CHUNK of the tiles; those beyond a head are not read.
void load_tiles(uint first_row, uint first_key, uint chunk, bool with_queries) {
  const uint width = LANES * GROUP_ROWS;
  if (with_queries) {
    [[dont_unroll]] for (uint i = gl_LocalInvocationIndex; i < QUERY_TILE * CHUNK; i += width) {
      const uint row = i / CHUNK, quad = i % CHUNK;
      if (QUADS % CHUNK == 0 || chunk + quad < QUADS)
        query_tile[row * STRIDE + quad] = quad_of_q(first_of_query(first_row + row), chunk + quad);
    }
  }
  [[dont_unroll]] for (uint i = gl_LocalInvocationIndex; i < KEY_TILE * CHUNK; i += width) {
    const uint key = i / CHUNK, quad = i % CHUNK;
    if (QUADS % CHUNK == 0 || chunk + quad < QUADS)
      key_tile[key * STRIDE + quad] = quad_of_k(first_of_key(first_key + key, k_head), chunk + quad);
  }
}

// Rows of this invocation are row + r * GROUP_ROWS, its keys lane + j * LANES.
void add_scores(uint row, uint lane, uint quads) {
  [[dont_unroll]] for (uint i = 0; i < quads; ++i) {
    vec4 b[KEYS];
    [[unroll]] for (uint j = 0; j < KEYS; ++j)
      b[j] = load_packed4(key_tile[(lane + j * LANES) * STRIDE + i]);
    [[unroll]] for (uint r = 0; r < ROWS; ++r) {
      const vec4 a = load_packed4(query_tile[(row + r * GROUP_ROWS) * STRIDE + i]);
      [[unroll]] for (uint j = 0; j < KEYS; ++j) {
        scores[r * KEYS + j] =
            fma(a.x, b[j].x,
                fma(a.y, b[j].y, fma(a.z, b[j].z, fma(a.w, b[j].w, scores[r * KEYS + j]))));
      }
    }
  }
}

// Four shares of each row times the values of their keys.
void add_values(uint row, uint lane, uint first_key) {
  [[dont_unroll]] for (uint i = 0; i < KEY_TILE / 4; ++i) {
    vec4 share[ROWS];
    [[unroll]] for (uint r = 0; r < ROWS; ++r)
      share[r] = shares[(row + r * GROUP_ROWS) * SHARES + i];
    [[unroll]] for (uint j = 0; j < 4; ++j) {
      const uint key = (i * 4 + j) % KEYS * LANES + (i * 4 + j) / KEYS;
      const uint base = first_of_key(first_key + key, v_head);
      [[unroll]] for (uint m = 0; m < MINE; ++m) {
        const vec4 value = quad_of_v(base, min(lane + m * LANES, QUADS - 1));
        [[unroll]] for (uint r = 0; r < ROWS; ++r)
          sums[r * MINE + m] = fma(vec4(share[r][j]), value, sums[r * MINE + m]);
      }
    }
  }
}

void write_row(uint at, uint lane, float most_share, uint r) {
  const uint base = ((gl_WorkGroupID.z * queries + at) * heads + gl_WorkGroupID.y) * HEAD;
  [[unroll]] for (uint m = 0; m < MINE; ++m) {
    const uint quad = lane + m * LANES;
    const vec4 value = sums[r * MINE + m] * most_share;
    if (quad < QUADS) {
      if (VECTOR) {
        y4[base / 4 + quad] = store4(value);
      } else {
        for (uint c = 0; c < min(4u, HEAD - quad * 4); ++c) y[base + quad * 4 + c] = store(value[c]);
      }
    }
  }
}

void main() {
  const uint lane = gl_LocalInvocationID.x, row = gl_LocalInvocationID.y;
  const uint first_row = first_query + gl_WorkGroupID.x * QUERY_TILE;
  const uint last = causal != 0 ? min(keys, first_row + QUERY_TILE) : keys;
  float most[ROWS], total[ROWS];
  [[unroll]] for (uint r = 0; r < ROWS; ++r) {
    most[r] = kLeast;
    total[r] = 0.0;
  }
  [[unroll]] for (uint i = 0; i < ROWS * MINE; ++i) sums[i] = vec4(0);

  for (uint first = 0; first < last; first += KEY_TILE) {
    [[unroll]] for (uint i = 0; i < ROWS * KEYS; ++i) scores[i] = 0.0;
    [[dont_unroll]] for (uint chunk = 0; chunk < QUADS; chunk += CHUNK) {
      if (chunk > 0) barrier();  // all have read the chunk before
      load_tiles(first_row, first, chunk, CHUNK < QUADS || first == 0);
      barrier();
      add_scores(row, lane, min(CHUNK, QUADS - chunk));
    }
    [[unroll]] for (uint r = 0; r < ROWS; ++r) {
      const uint at = first_row + row + r * GROUP_ROWS;
      float highest = kLeast;
      [[unroll]] for (uint j = 0; j < KEYS; ++j) {
        const uint key = first + lane + j * LANES;
        const bool seen = key < last && (causal == 0 || key <= at);
        scores[r * KEYS + j] = seen ? scores[r * KEYS + j] * scale : kLeast;
        highest = max(highest, scores[r * KEYS + j]);
      }
      partial[(row + r * GROUP_ROWS) * LANES + lane] = highest;
    }
    barrier();
    float highest[ROWS];
    [[unroll]] for (uint r = 0; r < ROWS; ++r) highest[r] = most[r];
    [[dont_unroll]] for (uint l = 0; l < LANES; ++l) {
      [[unroll]] for (uint r = 0; r < ROWS; ++r)
        highest[r] = max(highest[r], partial[(row + r * GROUP_ROWS) * LANES + l]);
    }
    [[unroll]] for (uint r = 0; r < ROWS; ++r) {
      const float shrink = exp(most[r] - highest[r]);
      most[r] = highest[r];
      total[r] *= shrink;
      [[unroll]] for (uint m = 0; m < MINE; ++m) sums[r * MINE + m] *= shrink;
      [[unroll]] for (uint j = 0; j < KEYS; j += 4) {
        vec4 share;
        [[unroll]] for (uint c = 0; c < 4; ++c) {
          const float score = scores[r * KEYS + j + c];
          share[c] = score > -2.9e38 ? exp(score - most[r]) : 0.0;
          total[r] += share[c];
        }
        shares[(row + r * GROUP_ROWS) * SHARES + (lane * KEYS + j) / 4] = share;
      }
    }
    barrier();
    add_values(row, lane, first);
  }

  barrier();  // the last maxima were read
  [[unroll]] for (uint r = 0; r < ROWS; ++r)
    partial[(row + r * GROUP_ROWS) * LANES + lane] = total[r];
  barrier();
  [[unroll]] for (uint r = 0; r < ROWS; ++r) total[r] = 0.0;
  [[dont_unroll]] for (uint l = 0; l < LANES; ++l) {
    [[unroll]] for (uint r = 0; r < ROWS; ++r)
      total[r] += partial[(row + r * GROUP_ROWS) * LANES + l];
  }
  [[unroll]] for (uint r = 0; r < ROWS; ++r) {
    const uint at = first_row + row + r * GROUP_ROWS;
    if (at < queries) write_row(at, lane, 1.0 / total[r], r);
  }
}
