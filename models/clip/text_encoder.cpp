// The text transformer: embeddings, pre-norm layers, final norm.
#include "models/clip/text_encoder.h"

#include <fmt/format.h>

#include "runtime/base/error.h"

namespace kiln {
namespace {

Tensor layer(Tensor x, const TextEncoderConfig& config, const Weights& w) {
  const AttentionNames names{"q_proj", "k_proj", "v_proj", "out_proj"};
  Tensor h = layer_norm(x, config.norm_epsilon, w["layer_norm1"]);
  x = x + self_attention(h, config.heads, w["self_attn"], true, true, names);
  h = linear(layer_norm(x, config.norm_epsilon, w["layer_norm2"]), config.inner, w["mlp"]["fc1"]);
  h = config.activation == TextEncoderConfig::Activation::gelu ? gelu(h) : quick_gelu(h);
  return x + linear(h, config.channels, w["mlp"]["fc2"]);
}

}  // namespace

Tensor text_encoder(Tensor ids, const TextEncoderConfig& config, const Weights& weights,
                    std::uint32_t skip, bool final_norm) {
  const Weights w = weights["text_model"];
  if (skip >= config.layers) {
    fail_usage("clip skip", "{} layers cannot be skipped, the text encoder has {}", skip,
               config.layers);
  }
  Graph& graph = ids.graph();
  const Weights embeddings = w["embeddings"];
  const Tensor table =
      embeddings["token_embedding"].tensor(graph, "weight", {config.vocabulary, config.channels});
  const Tensor positions =
      embeddings["position_embedding"].tensor(graph, "weight", {config.positions, config.channels});
  const auto hidden = [&](Tensor x, std::uint32_t index) {
    return graph.mark(x, fmt::format("{}.hidden_{}", weights.path(), index));
  };
  Tensor x = hidden(token_embedding(ids, table, positions, embeddings.path()), 0);
  for (std::uint32_t i = 0; i < config.layers - skip; ++i) {
    x = hidden(layer(x, config, w["encoder"]["layers"][i]), i + 1);
  }
  if (final_norm) x = layer_norm(x, config.norm_epsilon, w["final_layer_norm"]);
  return x;
}

}  // namespace kiln
