// The catalogue: every operation of the runtime, one declaration each. Calling one appends a node.
#pragma once

#include <cstdint>
#include <string_view>

#include "runtime/graph/graph.h"

namespace kiln {

// Activations are [batch, height, width, channels] (Shape), of the graph's element type, unless
// said otherwise. Weights come from Graph::constant and keep their PyTorch extents. `path` names
// the node (a checkpoint path); when empty it is that of the first operand. Every operation throws
// Error, beginning with its name and path, when shapes do not fit.

// --- Products (runtime/ops/linear.cpp, conv2d.cpp) ---

// y[r, o] = sum_i x[r, i] * weight[o, i] + bias[o]. weight: [out, in]; bias: [out] or none.
// Accumulates in float32.
Tensor linear(Tensor x, Tensor weight, Tensor bias, std::string_view path = {});

struct Conv2d {
  std::uint32_t stride = 1;  // 1 or 2
  // same: (kernel - 1) / 2 on all four sides. right_bottom: 1 on the right and bottom only, as the
  // encoder of AutoencoderKL pads before its stride-2 convolutions.
  enum class Padding : std::uint8_t { same, right_bottom } padding = Padding::same;
};
// weight: [out, in, k, k] with k 1 or 3; bias: [out] or none. Accumulates in float32.
Tensor conv2d(Tensor x, Tensor weight, Tensor bias, Conv2d shape = {}, std::string_view path = {});

// --- Attention (attention.cpp) ---

// softmax(q k^T / sqrt(d)) v for each image and head; channels are heads * d, head-major.
// q: [batch, ., tokens_q, heads * d]; k, v: [batch, ., tokens_kv, heads * d] (pixels count as
// tokens). causal: token i sees tokens 0..i. Online softmax in float32 (Milakov and Gimelshein,
// 2018): no score matrix is stored.
Tensor attention(Tensor q, Tensor k, Tensor v, std::uint32_t heads, bool causal = false,
                 std::string_view path = {});
// The same where q, k and v lie in one tensor, the result of one product. qkv: [batch, ., tokens,
// 3 * heads * d] = [q | k | v]; the result has heads * d channels.
Tensor self_attention(Tensor qkv, std::uint32_t heads, bool causal = false,
                      std::string_view path = {});

// --- Normalization (group_norm.cpp, layer_norm.cpp) ---

// Statistics per image and group over pixels and the group's channels; scale, shift: [channels].
Tensor group_norm(Tensor x, Tensor scale, Tensor shift, std::uint32_t groups, float epsilon,
                  std::string_view path = {});
// Statistics per row over channels; scale, shift: [channels].
Tensor layer_norm(Tensor x, Tensor scale, Tensor shift, float epsilon, std::string_view path = {});

// --- Elementwise (elementwise.cpp, geglu.cpp) ---

Tensor silu(Tensor x, std::string_view path = {});        // x * sigmoid(x)
Tensor gelu(Tensor x, std::string_view path = {});        // x * (1 + erf(x / sqrt 2)) / 2
Tensor quick_gelu(Tensor x, std::string_view path = {});  // x * sigmoid(1.702 x)
Tensor scale(Tensor x, float factor, std::string_view path = {});
// b: like a, or [batch or 1, 1, 1, channels], which is added to every pixel of its image.
Tensor add(Tensor a, Tensor b, std::string_view path = {});
inline Tensor operator+(Tensor a, Tensor b) { return add(a, b); }
// x: [.., 2 * channels] = [value | gate]; value * gelu(gate).
Tensor geglu(Tensor x, std::string_view path = {});

// --- Space and channels (upsample.cpp, concat.cpp) ---

// y[i, j] = x[floor(i * in / out)]: nearest, as PyTorch's interpolate.
Tensor upsample_nearest(Tensor x, std::uint32_t height, std::uint32_t width,
                        std::string_view path = {});
Tensor concat(Tensor a, Tensor b, std::string_view path = {});  // along channels
// Channels [first, first + count).
Tensor slice_channels(Tensor x, std::uint32_t first, std::uint32_t count,
                      std::string_view path = {});

// --- Images of a batch (images.cpp) ---

// a's images, then b's; they must agree in all but their number.
Tensor join_images(Tensor a, Tensor b, std::string_view path = {});
// Images [first, first + count).
Tensor slice_images(Tensor x, std::uint32_t first, std::uint32_t count, std::string_view path = {});

// --- Embeddings (embedding.cpp) ---

// ids: u32 [batch, 1, tokens, 1]; table: [vocabulary, channels]; positions: [at least tokens,
// channels]. y = table[id] + positions[token]. An id beyond the vocabulary gives zeros.
Tensor token_embedding(Tensor ids, Tensor table, Tensor positions, std::string_view path = {});

// timestep: f32 [batch or 1, 1, 1, 1], in training steps, may be fractional.
// y = [cos(t f_0) .. cos(t f_h-1) | sin(t f_0) .. sin(t f_h-1)], h = channels / 2,
// f_i = 10000^(-i / h) (flip_sin_to_cos, freq_shift 0). Sines and cosines are our own code, right
// for arguments beyond 1000. Source: diffusers, embeddings.py, get_timestep_embedding.
Tensor timestep_embedding(Tensor timestep, std::uint32_t channels, std::string_view path = {});

// --- Pictures (image.cpp) ---

// rgb: f32 or element [batch, height, width, 3], -1 to 1. Result: u8, round(clamp(x/2 + 0.5) *
// 255), half to even; [batch, height, width, 3] padded to a multiple of 4 bytes in all.
Tensor to_rgb8(Tensor rgb, std::string_view path = {});

// f32 persistent tensor to the element type (and the other way round).
Tensor to_element(Tensor x, std::string_view path = {});
Tensor to_float(Tensor x, std::string_view path = {});

}  // namespace kiln
