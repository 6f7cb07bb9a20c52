// The kernels that can serve attention, best first.
#pragma once

#include "runtime/ops/candidate.h"

namespace kiln {

// y[i] = sum over keys j of softmax_j(q[i] . k[j] / sqrt(head)) v[j], for each image and head.
struct AttentionProblem {
  std::uint32_t images = 1, queries = 0, keys = 0, heads = 1;
  std::uint32_t head = 0;  // channels of one head
  bool causal = false;     // query i sees keys 0..i

  std::uint64_t flops_a_query() const { return 4ull * keys * head * heads * images; }
};

using AttentionCandidate = Candidate<AttentionProblem>;

// "attention 2x8x4096x77x40 F16": images, heads, queries, keys, size of a head; " causal" before
// the type.
std::string problem_name(const AttentionProblem& problem, DType element);

// Best first.
std::span<const AttentionCandidate> attention_candidates();

// Inputs 0, 1 and 2 of the op are q, k and v.
void lower_attention(Lowering& to, const AttentionProblem& problem);

}  // namespace kiln
