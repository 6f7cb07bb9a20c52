// The sum of attention.comp for devices that run a subgroup as one vector, such as software Vulkan. A
// workgroup is one subgroup, each lane handles QUERIES queries. Lanes load different words of a few
// keys' rows, so that values are converted side by side and then reach all lanes by broadcast.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_shader_subgroup_ballot : require
#include "common/kernel.glsl"
#include "common/words.glsl"

layout(binding = 0) readonly buffer Q { word q[]; };   // [image, query, head, d]
layout(binding = 1) readonly buffer K { word k[]; };   // [image, key, head, d]
layout(binding = 2) readonly buffer V { word v[]; };   // [image, key, head, d]
layout(binding = 3) writeonly buffer Y { word y[]; };  // like q

layout(push_constant) uniform Args {
  uint queries;
  uint keys;
  uint heads;
  uint first_query;  // of this launch, a band of the queries
  uint causal;       // 1: query i sees keys 0..i
  float scale;       // 1 / sqrt(d)
};

layout(constant_id = 0) const uint LANES = 8;    // size of a subgroup
layout(constant_id = 1) const uint QUERIES = 1;  // a lane
layout(constant_id = 2) const uint HEAD = 40;    // d, in 16 bits even
layout(local_size_x_id = 0) in;

const uint WORDS = HEAD / kWidth;  // a row of a head
// Handled together. The same for all LANES, on which results must not depend.
const uint KEYS = 4;
const uint LOADS = (KEYS * WORDS + LANES - 1) / LANES;

float query[QUERIES * HEAD];
float sums[QUERIES * HEAD];
float score[QUERIES * KEYS];
vec2 rows[LOADS];  // of KEYS keys or values, one after the other

// Index of the lane's word of a load, in the rows from `first` on. Rows beyond the last repeat it.
uint word_at(uint load, uint first) {
  const uint at = load * LANES + gl_LocalInvocationID.x;
  const uint row = first + min(min(at / WORDS, KEYS - 1), keys - 1 - first);
  return ((gl_WorkGroupID.z * keys + row) * heads + gl_WorkGroupID.y) * WORDS + at % WORDS;
}

// The same for all lanes: value c of a word of row j.
float value_of(uint j, uint at, uint c) {
  const uint flat_at = j * WORDS + at;
  return subgroupBroadcast(rows[flat_at / LANES][c], flat_at % LANES);
}

void add_scores(uint first) {
  [[unroll]] for (uint load = 0; load < LOADS; ++load) rows[load] = values(k[word_at(load, first)]);
  [[unroll]] for (uint i = 0; i < QUERIES * KEYS; ++i) score[i] = 0.0;
  [[unroll]] for (uint i = 0; i < HEAD; ++i) {
    [[unroll]] for (uint j = 0; j < KEYS; ++j) {
      const float value = value_of(j, i / kWidth, i % kWidth);
      [[unroll]] for (uint n = 0; n < QUERIES; ++n) {
        score[n * KEYS + j] = fma(query[n * HEAD + i], value, score[n * KEYS + j]);
      }
    }
  }
}

void add_values(uint first, float shrink[QUERIES]) {
  [[unroll]] for (uint load = 0; load < LOADS; ++load) rows[load] = values(v[word_at(load, first)]);
  [[unroll]] for (uint i = 0; i < HEAD; ++i) {
    [[unroll]] for (uint n = 0; n < QUERIES; ++n) sums[n * HEAD + i] *= shrink[n];
    [[unroll]] for (uint j = 0; j < KEYS; ++j) {
      const float value = value_of(j, i / kWidth, i % kWidth);
      [[unroll]] for (uint n = 0; n < QUERIES; ++n) {
        sums[n * HEAD + i] = fma(score[n * KEYS + j], value, sums[n * HEAD + i]);
      }
    }
  }
}

void main() {
  const uint first_mine = first_query + gl_WorkGroupID.x * QUERIES * LANES;
  uint at[QUERIES], mine[QUERIES];
  float most[QUERIES], total[QUERIES];
  [[unroll]] for (uint n = 0; n < QUERIES; ++n) {
    at[n] = first_mine + n * LANES + gl_LocalInvocationID.x;
    const uint row = gl_WorkGroupID.z * queries + min(at[n], queries - 1);
    mine[n] = (row * heads + gl_WorkGroupID.y) * WORDS;
    most[n] = -3.0e38;
    total[n] = 0.0;
    [[unroll]] for (uint i = 0; i < WORDS; ++i) {
      const vec2 value = values(q[mine[n] + i]) * scale;
      [[unroll]] for (uint c = 0; c < kWidth; ++c) {
        query[n * HEAD + i * kWidth + c] = value[c];
        sums[n * HEAD + i * kWidth + c] = 0.0;
      }
    }
  }
  const uint last = causal != 0 ? min(keys, first_mine + QUERIES * LANES) : keys;
  for (uint first = 0; first < last; first += KEYS) {
    add_scores(first);
    float shrink[QUERIES];
    [[unroll]] for (uint n = 0; n < QUERIES; ++n) {
      float block_most = most[n];
      [[unroll]] for (uint j = 0; j < KEYS; ++j) {
        const bool seen = first + j < last && (causal == 0 || first + j <= at[n]);
        score[n * KEYS + j] = seen ? score[n * KEYS + j] : -3.0e38;
        block_most = max(block_most, score[n * KEYS + j]);
      }
      shrink[n] = exp(most[n] - block_most);
      most[n] = block_most;
      total[n] *= shrink[n];
      [[unroll]] for (uint j = 0; j < KEYS; ++j) {
        const float value = score[n * KEYS + j];
        score[n * KEYS + j] = value > -2.9e38 ? exp(value - block_most) : 0.0;
        total[n] += score[n * KEYS + j];
      }
    }
    add_values(first, shrink);
  }
  [[unroll]] for (uint n = 0; n < QUERIES; ++n) {
    if (at[n] >= queries) continue;
    const float share = 1.0 / total[n];
    [[unroll]] for (uint i = 0; i < WORDS; ++i) {
      const uint from = n * HEAD + i * kWidth;
      y[mine[n] + i] = word_of(vec2(sums[from], sums[from + kWidth - 1]) * share);
    }
  }
}
