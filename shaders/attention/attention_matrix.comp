// The sum of attention.comp on matrix units (KHR_cooperative_matrix): 16-bit inputs, float32 scores,
// maxima and sums. A workgroup makes QUERY_TILE rows of y; each of its subgroups multiplies a part of
// their scores and of their channels. Where a matrix's element lies is the device's secret, so scores
// pass through shared memory and return as 16-bit shares, and so do the factors of the rows.
#version 460
#define ONLY_ELEMENT_F16
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#extension GL_KHR_shader_subgroup_vote : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#include "common/kernel.glsl"

layout(binding = 0) readonly buffer Q { uvec4 q8[]; };     // [image, query, head, d / 8]
layout(binding = 1) readonly buffer K { uvec4 k8[]; };     // [image, key, head, d / 8]
layout(binding = 2) readonly buffer V { uvec4 v8[]; };     // [image, key, head, d / 8]
layout(binding = 3) writeonly buffer Y { element4 y4[]; };  // [image, query, head, d / 4]

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

layout(constant_id = 0) const uint SUBGROUP = 32;    // the size subgroups must have
layout(constant_id = 1) const uint WORKGROUP = 128;  // SUBGROUP * SUBGROUPS_M * SUBGROUPS_N
layout(constant_id = 2) const uint SUBGROUPS_M = 4;  // along queries
layout(constant_id = 3) const uint SUBGROUPS_N = 1;  // along keys, then along channels
layout(constant_id = 4) const uint MATRICES_M = 2;   // matrices of a subgroup, along queries
layout(constant_id = 5) const uint KEYS = 32;        // handled together
layout(constant_id = 6) const uint MATRIX_M = 16;    // what the unit multiplies
layout(constant_id = 7) const uint MATRIX_N = 16;
layout(constant_id = 8) const uint MATRIX_K = 16;
layout(constant_id = 9) const uint HEAD = 40;   // d, a multiple of 8
layout(constant_id = 10) const uint CHUNK = 48;  // channels in shared memory at once, HEAD or more
layout(constant_id = 11) const bool AHEAD = true;  // keys and values are loaded a turn ahead: whole
layout(local_size_x_id = 1) in;

// Fewer channels at once than a head has divide it; queries are then loaded again with each chunk.
const uint CHUNKS = (HEAD + CHUNK - 1) / CHUNK;
const bool WHOLE = CHUNKS == 1;
const uint ROWS = MATRICES_M * MATRIX_M;  // of a subgroup
const uint QUERY_TILE = SUBGROUPS_M * ROWS;
const uint KEY_MATRICES = KEYS / (SUBGROUPS_N * MATRIX_N);
const uint COLUMN_MATRICES = CHUNK / (SUBGROUPS_N * MATRIX_N);
const uint STEPS = CHUNK / MATRIX_K;
const uint LANES_A_ROW = WORKGROUP / QUERY_TILE;
const uint KEYS_A_LANE = KEYS / LANES_A_ROW;

// Shared memory in 16 bytes; one more a row than needed parts the banks.
const uint EIGHTS = WHOLE ? HEAD / 8 : CHUNK / 8;  // of a row that are loaded
const uint SPAN = CHUNK / 8 + 1;                   // of a query or key
const uint VALUE_SPAN = KEYS / 8 + 1;              // of a channel of the values
const uint SCORE_SPAN = KEYS / 4 + 1;
const uint VALUES = AHEAD ? KEYS * SPAN : 0;  // else they take the keys' place
const uint QUERIES = KEYS * SPAN;  // where they come in chunks
const uint VALUES_END = VALUES + CHUNK * VALUE_SPAN;
const uint QUERIES_END = WHOLE ? 0 : QUERIES + QUERY_TILE * SPAN;
const uint SCORES = VALUES_END > QUERIES_END ? VALUES_END : QUERIES_END;
const uint SCORES_END = SCORES + QUERY_TILE * SCORE_SPAN;
const uint STAGED = WHOLE ? QUERY_TILE * SPAN : 0;  // queries on their way to registers
const uint RESULT = MATRIX_M * MATRIX_N / 4;        // a matrix of results a subgroup
const uint RESULTS = SUBGROUPS_M * SUBGROUPS_N * RESULT;
const uint LARGER = STAGED > RESULTS ? STAGED : RESULTS;
const uint TOTAL = SCORES_END > LARGER ? SCORES_END : LARGER;

const uint KEY_LOADS = (KEYS * EIGHTS + WORKGROUP - 1) / WORKGROUP;
const uint VALUE_LOADS = (KEYS / 2 * EIGHTS + WORKGROUP - 1) / WORKGROUP;
const float kLeast = -1.0e30;  // below every score, and its products are finite

shared uvec4 memory[TOTAL];
shared vec4 factors[QUERY_TILE / 4];

coopmat<float, gl_ScopeSubgroup, MATRIX_M, MATRIX_N, gl_MatrixUseAccumulator>
    scores[MATRICES_M * KEY_MATRICES], sums[CHUNKS * MATRICES_M * COLUMN_MATRICES];
coopmat<float16_t, gl_ScopeSubgroup, MATRIX_M, MATRIX_K, gl_MatrixUseA>
    query[WHOLE ? MATRICES_M * STEPS : 1];
uvec4 next_keys[KEY_LOADS], next_values[2 * VALUE_LOADS];

uint lane_of_group() { return gl_SubgroupID * SUBGROUP + gl_SubgroupInvocationID; }

uint eight_of_query(uint row, uint eight) {
  const uint at = gl_WorkGroupID.z * queries + min(row, queries - 1);
  return (at * q_heads + gl_WorkGroupID.y) * (HEAD / 8) + eight;
}

// head: that of a row which is the first of k or v.
uint eight_of_key(uint key, uint head, uint eight) {
  const uint at = gl_WorkGroupID.z * keys + min(key, keys - 1);
  return (at * kv_heads + gl_WorkGroupID.y + head) * (HEAD / 8) + eight;
}

uint quad_of_result(uint row) {
  return ((gl_WorkGroupID.z * queries + row) * heads + gl_WorkGroupID.y) * (HEAD / 4);
}

void fetch_keys(uint first, uint chunk) {
  [[unroll]] for (uint i = 0; i < KEY_LOADS; ++i) {
    const uint at = lane_of_group() + i * WORKGROUP;
    if (KEYS * EIGHTS % WORKGROUP != 0 && at >= KEYS * EIGHTS) continue;
    next_keys[i] = k8[eight_of_key(first + at / EIGHTS, k_head, chunk * EIGHTS + at % EIGHTS)];
  }
}

void put_keys() {
  [[unroll]] for (uint i = 0; i < KEY_LOADS; ++i) {
    const uint at = lane_of_group() + i * WORKGROUP;
    if (KEYS * EIGHTS % WORKGROUP != 0 && at >= KEYS * EIGHTS) continue;
    memory[at / EIGHTS * SPAN + at % EIGHTS] = next_keys[i];
  }
}

// Two keys at once, for they become neighbours.
void fetch_values(uint first, uint chunk) {
  [[unroll]] for (uint i = 0; i < VALUE_LOADS; ++i) {
    const uint at = lane_of_group() + i * WORKGROUP;
    if (KEYS / 2 * EIGHTS % WORKGROUP != 0 && at >= KEYS / 2 * EIGHTS) continue;
    const uint key = first + at % (KEYS / 2) * 2, eight = chunk * EIGHTS + at / (KEYS / 2);
    next_values[2 * i] = v8[eight_of_key(key, v_head, eight)];
    next_values[2 * i + 1] = v8[eight_of_key(key + 1, v_head, eight)];
  }
}

// Turned: the keys of a channel lie together.
void put_values() {
  [[unroll]] for (uint i = 0; i < VALUE_LOADS; ++i) {
    const uint at = lane_of_group() + i * WORKGROUP;
    if (KEYS / 2 * EIGHTS % WORKGROUP != 0 && at >= KEYS / 2 * EIGHTS) continue;
    const uint pair = at % (KEYS / 2), channel = at / (KEYS / 2) * 8;
    const uvec4 a = next_values[2 * i], b = next_values[2 * i + 1];
    [[unroll]] for (uint c = 0; c < 4; ++c) {
      const uint to = VALUES + (channel + 2 * c) * VALUE_SPAN + pair / 4;
      memory[to][pair % 4] = (a[c] & 0xffffu) | (b[c] << 16);
      memory[to + VALUE_SPAN][pair % 4] = (a[c] >> 16) | (b[c] & 0xffff0000u);
    }
  }
}

// Rows first_row .. of the queries to `to`.
void put_queries(uint first_row, uint chunk, uint to) {
  [[unroll]] for (uint i = 0; i < (QUERY_TILE * EIGHTS + WORKGROUP - 1) / WORKGROUP; ++i) {
    const uint at = lane_of_group() + i * WORKGROUP;
    if (QUERY_TILE * EIGHTS % WORKGROUP != 0 && at >= QUERY_TILE * EIGHTS) continue;
    memory[to + at / EIGHTS * SPAN + at % EIGHTS] =
        q8[eight_of_query(first_row + at / EIGHTS, chunk * EIGHTS + at % EIGHTS)];
  }
}

// What fills a head up to whole matrices, in `rows` rows from the start of the memory.
void clear_rest(uint rows) {
  const uint rest = CHUNK / 8 - EIGHTS;
  if (rest == 0) return;
  [[dont_unroll]] for (uint i = lane_of_group(); i < rows * rest; i += WORKGROUP)
    memory[i / rest * SPAN + EIGHTS + i % rest] = uvec4(0);
}

void load_queries(uint first_row, uint row) {
  put_queries(first_row, 0, 0);
  clear_rest(QUERY_TILE);
  barrier();
  [[unroll]] for (uint i = 0; i < MATRICES_M; ++i) {
    [[unroll]] for (uint step = 0; step < STEPS; ++step) {
      coopMatLoad(query[i * STEPS + step], memory, (row + i * MATRIX_M) * SPAN + step * MATRIX_K / 8,
                  SPAN, gl_CooperativeMatrixLayoutRowMajor);
    }
  }
  barrier();
  if (AHEAD) clear_rest(KEYS);
}

void add_scores(uint row, uint part) {
  [[unroll]] for (uint step = 0; step < STEPS; ++step) {
    coopmat<float16_t, gl_ScopeSubgroup, MATRIX_M, MATRIX_K, gl_MatrixUseA> a[MATRICES_M];
    [[unroll]] for (uint i = 0; i < MATRICES_M; ++i) {
      if (WHOLE) a[i] = query[i * STEPS + step];
      else
        coopMatLoad(a[i], memory, QUERIES + (row + i * MATRIX_M) * SPAN + step * MATRIX_K / 8, SPAN,
                    gl_CooperativeMatrixLayoutRowMajor);
    }
    [[unroll]] for (uint j = 0; j < KEY_MATRICES; ++j) {
      coopmat<float16_t, gl_ScopeSubgroup, MATRIX_K, MATRIX_N, gl_MatrixUseB> b;
      coopMatLoad(b, memory, (part * KEY_MATRICES + j) * MATRIX_N * SPAN + step * MATRIX_K / 8, SPAN,
                  gl_CooperativeMatrixLayoutColumnMajor);
      [[unroll]] for (uint i = 0; i < MATRICES_M; ++i)
        scores[i * KEY_MATRICES + j] = coopMatMulAdd(a[i], b, scores[i * KEY_MATRICES + j]);
    }
  }
}

void store_scores(uint row, uint part) {
  [[unroll]] for (uint i = 0; i < MATRICES_M; ++i) {
    [[unroll]] for (uint j = 0; j < KEY_MATRICES; ++j) {
      coopMatStore(scores[i * KEY_MATRICES + j], memory,
                   SCORES + (row + i * MATRIX_M) * SCORE_SPAN +
                       (part * KEY_MATRICES + j) * MATRIX_N / 4,
                   SCORE_SPAN, gl_CooperativeMatrixLayoutRowMajor);
    }
  }
}

// A subgroup alone needs no other's scores.
void sync() {
  if (SUBGROUPS_N == 1) subgroupBarrier();
  else barrier();
}

void set_factor(uint row, uint lane, float factor) {
  if (LANES_A_ROW == 1 || lane == 0) factors[row / 4][row % 4] = factor;
}

// A row's scores become shares, exp(score - most), in its own place. `seen`: keys of this tile that
// the row sees. most, total: of the row, and of this lane's keys. Returns the factor of sums so far.
float take_shares(uint row, uint lane, int seen, bool all_seen, inout float most,
                  inout float total) {
  const uint base = SCORES + row * SCORE_SPAN;
  float score[KEYS_A_LANE];
  [[unroll]] for (uint i = 0; i < KEYS_A_LANE / 4; ++i) {
    const vec4 four = uintBitsToFloat(memory[base + lane * (KEYS_A_LANE / 4) + i]);
    [[unroll]] for (uint c = 0; c < 4; ++c) score[i * 4 + c] = four[c];
  }
  if (!all_seen) {
    [[unroll]] for (uint i = 0; i < KEYS_A_LANE; ++i)
      if (int(lane * KEYS_A_LANE + i) >= seen) score[i] = kLeast;
  }
  float highest = most;
  [[unroll]] for (uint i = 0; i < KEYS_A_LANE; ++i) highest = max(highest, score[i]);
  [[unroll]] for (uint mask = 1; mask < LANES_A_ROW; mask *= 2)
    highest = max(highest, subgroupShuffleXor(highest, mask));
  const float unit = scale * 1.44269504;  // exp2 is what devices have
  const float shrink = exp2((most - highest) * unit);
  most = highest;
  total *= shrink;
  set_factor(row, lane, shrink);
  if (LANES_A_ROW > 1) subgroupBarrier();  // all have read theirs
  [[unroll]] for (uint i = 0; i < KEYS_A_LANE / 8; ++i) {
    uvec4 eight;
    [[unroll]] for (uint c = 0; c < 4; ++c) {
      // Never above one: their difference is taken first.
      const vec2 share = exp2((vec2(score[i * 8 + c * 2], score[i * 8 + c * 2 + 1]) - most) * unit);
      eight[c] = packHalf2x16(share);
      const vec2 rounded = unpackHalf2x16(eight[c]);  // what is multiplied adds up to one
      total += rounded.x + rounded.y;
    }
    memory[base + lane * (KEYS_A_LANE / 8) + i] = eight;
  }
  return shrink;
}

// Element by element, for all matrices of sums hold theirs alike.
void scale_sums(uint row) {
  [[unroll]] for (uint i = 0; i < MATRICES_M; ++i) {
    coopmat<float, gl_ScopeSubgroup, MATRIX_M, MATRIX_N, gl_MatrixUseAccumulator> factor;
    coopMatLoad(factor, factors, (row + i * MATRIX_M) / 4, 0, gl_CooperativeMatrixLayoutColumnMajor);
    [[unroll]] for (uint chunk = 0; chunk < CHUNKS; ++chunk) {
      [[unroll]] for (uint j = 0; j < COLUMN_MATRICES; ++j) {
        const uint at = (chunk * MATRICES_M + i) * COLUMN_MATRICES + j;
        for (uint e = 0; e < sums[at].length(); ++e) sums[at][e] *= factor[e];
      }
    }
  }
}

void add_values(uint row, uint part, uint chunk) {
  [[unroll]] for (uint step = 0; step < KEYS / MATRIX_K; ++step) {
    coopmat<float16_t, gl_ScopeSubgroup, MATRIX_M, MATRIX_K, gl_MatrixUseA> a[MATRICES_M];
    [[unroll]] for (uint i = 0; i < MATRICES_M; ++i) {
      coopMatLoad(a[i], memory, SCORES + (row + i * MATRIX_M) * SCORE_SPAN + step * MATRIX_K / 8,
                  SCORE_SPAN, gl_CooperativeMatrixLayoutRowMajor);
    }
    [[unroll]] for (uint j = 0; j < COLUMN_MATRICES; ++j) {
      coopmat<float16_t, gl_ScopeSubgroup, MATRIX_K, MATRIX_N, gl_MatrixUseB> b;
      coopMatLoad(b, memory,
                  VALUES + (part * COLUMN_MATRICES + j) * MATRIX_N * VALUE_SPAN +
                      step * MATRIX_K / 8,
                  VALUE_SPAN, gl_CooperativeMatrixLayoutColumnMajor);
      [[unroll]] for (uint i = 0; i < MATRICES_M; ++i) {
        const uint at = (chunk * MATRICES_M + i) * COLUMN_MATRICES + j;
        sums[at] = coopMatMulAdd(a[i], b, sums[at]);
      }
    }
  }
}

void write_sums(uint first_row, uint part) {
  const uint mine = gl_SubgroupID * RESULT;
  [[unroll]] for (uint at = 0; at < CHUNKS * MATRICES_M * COLUMN_MATRICES; ++at) {
    const uint chunk = at / (MATRICES_M * COLUMN_MATRICES);
    const uint i = at / COLUMN_MATRICES % MATRICES_M, j = at % COLUMN_MATRICES;
    const uint first_channel = chunk * CHUNK + (part * COLUMN_MATRICES + j) * MATRIX_N;
    coopMatStore(sums[at], memory, mine, MATRIX_N / 4, gl_CooperativeMatrixLayoutRowMajor);
    subgroupBarrier();
    [[unroll]] for (uint turn = 0; turn < (RESULT + SUBGROUP - 1) / SUBGROUP; ++turn) {
      const uint quad = gl_SubgroupInvocationID + turn * SUBGROUP;
      const uint row = first_row + i * MATRIX_M + quad / (MATRIX_N / 4);
      const uint channel = first_channel + quad % (MATRIX_N / 4) * 4;
      if (quad < RESULT && row < queries && channel < HEAD) {
        y4[quad_of_result(row) + channel / 4] =
            store4(uintBitsToFloat(memory[mine + quad]));
      }
    }
    subgroupBarrier();
  }
}

void main() {
  const uint row = gl_SubgroupID / SUBGROUPS_N * ROWS, part = gl_SubgroupID % SUBGROUPS_N;
  // Of scores: whole rows, which are those of the same subgroup where it has them alone.
  const uint my_row = lane_of_group() / LANES_A_ROW, my_lane = lane_of_group() % LANES_A_ROW;
  const uint first_row = first_query + gl_WorkGroupID.x * QUERY_TILE;
  const uint last = causal != 0 ? min(keys, first_row + QUERY_TILE) : keys;
  const uint seen = causal != 0 ? min(last, first_row + my_row + 1) : last;
  const uint seen_by_all = causal != 0 ? min(last, first_row + 1) : last;
  float most = kLeast, total = 0.0;
  [[unroll]] for (uint i = 0; i < CHUNKS * MATRICES_M * COLUMN_MATRICES; ++i)
    sums[i] = coopmat<float, gl_ScopeSubgroup, MATRIX_M, MATRIX_N, gl_MatrixUseAccumulator>(0.0);
  if (WHOLE) {
    load_queries(first_row, row);
    if (AHEAD) {
      fetch_keys(0, 0);
      fetch_values(0, 0);
    }
  }
  for (uint first = 0; first < last; first += KEYS) {
    [[unroll]] for (uint i = 0; i < MATRICES_M * KEY_MATRICES; ++i)
      scores[i] = coopmat<float, gl_ScopeSubgroup, MATRIX_M, MATRIX_N, gl_MatrixUseAccumulator>(0.0);
    [[unroll]] for (uint chunk = 0; chunk < CHUNKS; ++chunk) {
      barrier();  // all have multiplied what was there
      if (!AHEAD) {
        fetch_keys(first, chunk);
        clear_rest(KEYS);
      }
      put_keys();
      if (AHEAD) put_values();
      if (!WHOLE) put_queries(first_row, chunk, QUERIES);
      barrier();
      if (AHEAD && first + KEYS < last) {
        fetch_keys(first + KEYS, 0);
        fetch_values(first + KEYS, 0);
      }
      add_scores(row, part);
    }
    store_scores(row, part);
    sync();
    const float shrink = take_shares(my_row, my_lane, int(seen) - int(first),
                                     first + KEYS <= seen_by_all, most, total);
    sync();
    if (SUBGROUPS_N > 1 || subgroupAny(shrink < 1.0)) scale_sums(row);
    [[unroll]] for (uint chunk = 0; chunk < CHUNKS; ++chunk) {
      if (!AHEAD) {
        barrier();
        fetch_values(first, chunk);
        put_values();
        barrier();
      }
      add_values(row, part, chunk);
    }
  }
  [[unroll]] for (uint mask = 1; mask < LANES_A_ROW; mask *= 2)
    total += subgroupShuffleXor(total, mask);
  barrier();  // all have read the last factors and shares
  set_factor(my_row, my_lane, 1.0 / total);
  barrier();
  scale_sums(row);
  write_sums(first_row + row, part);
}
