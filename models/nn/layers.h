// Layers as functions of a tensor and a path in a checkpoint; a layer has no state.
#pragma once

#include <cstdint>
#include <string_view>

#include "runtime/ops/ops.h"
#include "runtime/weights/weights.h"

namespace kiln {

// Each layer states the shape it expects of `w`'s tensors ("weight", "bias"), so a wrong checkpoint
// is reported with names and both shapes, and marks its result with w.path().

Tensor linear(Tensor x, std::uint32_t channels, const Weights& w);
Tensor linear_without_bias(Tensor x, std::uint32_t channels, const Weights& w);
Tensor conv3x3(Tensor x, std::uint32_t channels, const Weights& w, Conv2d shape = {});
Tensor conv1x1(Tensor x, std::uint32_t channels, const Weights& w);
Tensor group_norm(Tensor x, std::uint32_t groups, float epsilon, const Weights& w);
Tensor layer_norm(Tensor x, float epsilon, const Weights& w);

// Names of the four projections of an attention layer, which differ between network families.
struct AttentionNames {
  std::string_view q = "to_q", k = "to_k", v = "to_v", out = "to_out.0";
};

// Projections of x to q, k and v and their multi-head attention: what self_attention() does before
// the output projection. One product where Graph::stacks_projections() says so and its result
// surely can be bound, else three.
Tensor mix_tokens(Tensor x, std::uint32_t heads, const Weights& w, bool bias_in = false,
                  bool causal = false, const AttentionNames& names = {});

// Multi-head attention of x to itself: projections, attention, output projection. Channels stay
// those of x; the output projection has a bias, q, k, v as `bias_in` says.
Tensor self_attention(Tensor x, std::uint32_t heads, const Weights& w, bool bias_in = false,
                      bool causal = false, const AttentionNames& names = {});

// Multi-head attention of x, without biases but that of the output projection, to keys and values
// [batch, 1, tokens, channels of x] that were projected before.
Tensor attention_to(Tensor x, Tensor keys, Tensor values, std::uint32_t heads, const Weights& w,
                    const AttentionNames& names = {});

// Tells the graph that `x` is the output of the module at w's path.
Tensor mark(Tensor x, const Weights& w);

}  // namespace kiln
