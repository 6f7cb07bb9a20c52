// The kernels that can serve attention, best first.
#pragma once

#include "runtime/ops/candidate.h"

namespace kiln {

// y[i] = sum over keys j of softmax_j(q[i] . k[j] / sqrt(head)) v[j], for each image and head.
struct AttentionProblem {
  std::uint32_t images = 1, queries = 0, keys = 0, heads = 1;
  std::uint32_t head = 0;  // channels of one head
  bool causal = false;     // query i sees keys 0..i
  // What the op's inputs are: q, k, v; or one tensor whose rows are those of q, k and v in turn.
  enum class Operands : std::uint8_t { apart, stacked } operands = Operands::apart;

  std::uint64_t flops_a_query() const { return 4ull * keys * head * heads * images; }
};

using AttentionCandidate = Candidate<AttentionProblem>;

// "attention 2x8x4096x77x40 F16": images, heads, queries, keys, size of a head; " causal" before
// the type. How operands lie is left out: a device has one way, by prefers_stacked_projections().
std::string problem_name(const AttentionProblem& problem, DType element);

// Best first.
std::span<const AttentionCandidate> attention_candidates();

// Appends the launches; the op's inputs are as problem.operands says.
void lower_attention(Lowering& to, const AttentionProblem& problem);

}  // namespace kiln
