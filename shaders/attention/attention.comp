// y[i] = sum over keys j of softmax_j(q[i] . k[j] / sqrt(d)) v[j], for each image and head.
// One invocation per query: its query and running sum stay in registers, keys and values are the same
// for all lanes. Online softmax (Milakov and Gimelshein, 2018): no score matrix.
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

layout(constant_id = 0) const uint WORKGROUP = 32;
layout(constant_id = 1) const uint HEAD = 40;        // d
layout(constant_id = 2) const bool VECTOR = true;    // d is a multiple of 4
layout(local_size_x_id = 0) in;

const uint QUADS = (HEAD + 3) / 4;
// A head is walked in unrolled pieces of at most eight quads: fewer turns of the loops, which some
// drivers limit (see DeviceProfile::max_loop_turns), and more independent sums in flight.
const uint PIECES = (QUADS + 7) / 8;
const uint PIECE = (QUADS + PIECES - 1) / PIECES;
const uint KEYS = 4;  // handled together, so that the sums are rescaled less often

vec4 query[QUADS];
vec4 sums[QUADS];

vec4 quad_of_q(uint base, uint i) {
  if (VECTOR) return load_packed4(q4[base / 4 + i]);
  vec4 value = vec4(0);
  for (uint c = 0; c < min(4u, HEAD - i * 4); ++c) value[c] = load(q[base + i * 4 + c]);
  return value;
}

vec4 quad_of_k(uint base, uint i) {
  if (VECTOR) return load_packed4(k4[base / 4 + i]);
  vec4 value = vec4(0);
  for (uint c = 0; c < min(4u, HEAD - i * 4); ++c) value[c] = load(k[base + i * 4 + c]);
  return value;
}

vec4 quad_of_v(uint base, uint i) {
  if (VECTOR) return load_packed4(v4[base / 4 + i]);
  vec4 value = vec4(0);
  for (uint c = 0; c < min(4u, HEAD - i * 4); ++c) value[c] = load(v[base + i * 4 + c]);
  return value;
}

void main() {
  const uint at = first_query + gl_WorkGroupID.x * WORKGROUP + gl_LocalInvocationID.x;
  const uint head = gl_WorkGroupID.y, image = gl_WorkGroupID.z;
  const bool is_mine = at < queries;
  const uint row = image * queries + min(at, queries - 1);
  const uint mine = (row * q_heads + head) * HEAD;
  for (uint i = 0; i < QUADS; ++i) {
    query[i] = quad_of_q(mine, i) * scale;
    sums[i] = vec4(0);
  }
  const uint last = causal != 0 ? min(keys, first_query + (gl_WorkGroupID.x + 1) * WORKGROUP) : keys;
  float most = -3.0e38, total = 0.0;
  for (uint first = 0; first < last; first += KEYS) {
    float score[KEYS];
    uint k_base[KEYS], v_base[KEYS];
    [[unroll]] for (uint j = 0; j < KEYS; ++j) {
      const uint in_row = (image * keys + min(first + j, keys - 1)) * kv_heads + head;
      k_base[j] = (in_row + k_head) * HEAD;
      v_base[j] = (in_row + v_head) * HEAD;
      score[j] = 0.0;
    }
    for (uint piece = 0; piece < QUADS; piece += PIECE) {
      [[unroll]] for (uint turn = 0; turn < PIECE; ++turn) {
        const uint i = piece + turn;
        if (QUADS % PIECE != 0 && i >= QUADS) break;
        const vec4 a = query[i];
        [[unroll]] for (uint j = 0; j < KEYS; ++j) {
          const vec4 b = quad_of_k(k_base[j], i);
          score[j] = fma(a.x, b.x, fma(a.y, b.y, fma(a.z, b.z, fma(a.w, b.w, score[j]))));
        }
      }
    }
    float block_most = most;
    [[unroll]] for (uint j = 0; j < KEYS; ++j) {
      const bool seen = first + j < last && (causal == 0 || first + j <= at);
      score[j] = seen ? score[j] : -3.0e38;
      block_most = max(block_most, score[j]);
    }
    const float shrink = exp(most - block_most);
    most = block_most;
    total *= shrink;
    [[unroll]] for (uint j = 0; j < KEYS; ++j) {
      score[j] = score[j] > -2.9e38 ? exp(score[j] - most) : 0.0;
      total += score[j];
    }
    for (uint piece = 0; piece < QUADS; piece += PIECE) {
      [[unroll]] for (uint turn = 0; turn < PIECE; ++turn) {
        const uint i = piece + turn;
        if (QUADS % PIECE != 0 && i >= QUADS) break;
        vec4 sum = sums[i] * shrink;
        [[unroll]] for (uint j = 0; j < KEYS; ++j) {
          sum = fma(vec4(score[j]), quad_of_v(v_base[j], i), sum);
        }
        sums[i] = sum;
      }
    }
  }
  if (!is_mine) return;
  const float share = 1.0 / total;
  const uint result = (row * heads + head) * HEAD;
  for (uint i = 0; i < QUADS; ++i) {
    const vec4 value = sums[i] * share;
    for (uint c = 0; c < min(4u, HEAD - i * 4); ++c) y[result + i * 4 + c] = store(value[c]);
  }
}
