// CLIP's text transformer (CLIPTextModel): token ids to hidden states.
#pragma once

#include "models/nn/layers.h"

namespace kiln {

// Defaults are the text encoder of Stable Diffusion 1.x (CLIP ViT-L/14).
struct TextEncoderConfig {
  std::uint32_t vocabulary = 49408;
  std::uint32_t positions = 77;
  std::uint32_t channels = 768;
  std::uint32_t inner = 3072;  // width of the feed-forward layer
  std::uint32_t layers = 12;
  std::uint32_t heads = 12;
  enum class Activation : std::uint8_t { quick_gelu, gelu } activation = Activation::quick_gelu;
  float norm_epsilon = 1e-5f;
};

// ids: u32 [batch, 1, tokens, 1], tokens at most config.positions. Causal attention, no padding
// mask. skip: layers left out at the end (0: all run; other programs call that "clip skip 1").
// final_norm: apply final_layer_norm to the result, as SD 1.x does also when layers are skipped.
// Result: [batch, 1, tokens, channels]. Marks "<path>.hidden_<i>": 0 the embeddings, i after layer
// i. Source: transformers, models/clip/modeling_clip.py; Radford et al., 2021.
Tensor text_encoder(Tensor ids, const TextEncoderConfig& config, const Weights& w,
                    std::uint32_t skip = 0, bool final_norm = true);

}  // namespace kiln
