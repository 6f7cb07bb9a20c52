// BenchProblem: one operation of a size, with random operands, and a sample of it that the double
// reference can answer quickly.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "runtime/graph/graph.h"

namespace kiln::app {

struct BenchProblem {
  enum class Kind : std::uint8_t {
    linear,
    conv,
    attention,
    group_norm,
    layer_norm,
    geglu,
    silu,
    add,
    concat,
    upsample,
  };
  Kind kind = Kind::linear;
  std::vector<Shape> inputs;
  std::vector<std::vector<std::int64_t>> weights = {};  // extents as in PyTorch
  std::uint32_t stride = 1;                             // conv
  bool pads_right_bottom = false;                       // conv
  bool upscaled = false;      // conv: of x with its sides doubled by nearest upsampling
  std::uint32_t heads = 1;    // attention
  bool causal = false;        // attention
  std::uint32_t groups = 32;  // group_norm
  bool silu_after = false;    // group_norm

  // "8192x320x2880" (rows, outputs, inputs), "2x64x64x320->320 s2", "2x32x32x640->640 up2",
  // "2x8x4096x4096x40" (images, heads, queries, keys, head size), "group_norm 2x64x64x320 silu",
  // "geglu 1x1x8192x2560".
  std::string name() const;
  // "matmul", "conv", "attention", "norm" or "elementwise". A 1x1 convolution is a matmul.
  std::string_view group() const;
  Shape output() const;
  // A multiply-add is two; convolutions count as direct ones. 0 for norms and elementwise.
  std::uint64_t flops() const;
  // Operands and result, each once.
  std::uint64_t bytes(DType element) const;

  // Appends the operation to the graph of its operands.
  Tensor record(const std::vector<Tensor>& operands_in, const std::vector<Tensor>& weights_in,
                std::string_view path) const;
};

// The problems of `kiln bench kernels`, by kind.
BenchProblem linear_problem(std::uint32_t rows, std::uint32_t outputs, std::uint32_t inputs);
BenchProblem conv_problem(Shape x, std::uint32_t outputs, std::uint32_t kernel = 3,
                          std::uint32_t stride = 1);
// x: [images, 1, queries, heads * head size].
BenchProblem attention_problem(Shape x, std::uint32_t keys, std::uint32_t heads);
BenchProblem norm_problem(BenchProblem::Kind kind, Shape x, bool silu_after = false);
// kind: geglu (x has both halves), silu, add, concat (other_channels more), upsample (to double).
BenchProblem elementwise_problem(BenchProblem::Kind kind, Shape x,
                                 std::uint32_t other_channels = 0);

// The element of an operand: roughly normal, the same for every run. Weights are scaled so that
// results stay of the size of the inputs. operand: inputs first, then weights.
float bench_value(const BenchProblem& problem, std::size_t operand, std::uint64_t index);

// A smaller problem whose results are some of the problem's.
struct BenchSample {
  static constexpr std::uint64_t kZero = std::numeric_limits<std::uint64_t>::max();
  BenchProblem small;
  // For each operand of `small` (inputs, then weights), for each element: the problem's element.
  std::vector<std::vector<std::uint64_t>> operands = {};
  // Pairs of elements of the results: small's, the problem's.
  std::vector<std::pair<std::uint64_t, std::uint64_t>> results = {};
};
BenchSample bench_sample(const BenchProblem& problem);

}  // namespace kiln::app
