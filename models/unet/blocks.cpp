// The blocks of the UNet, each as its diagram.
#include "models/unet/blocks.h"

namespace kiln {
namespace {

constexpr float kTransformerNormEpsilon = 1e-6f;  // of the group norm before a transformer
constexpr float kLayerNormEpsilon = 1e-5f;

Tensor feed_forward(Tensor x, const Weights& w) {
  const std::uint32_t inner = x.channels() * 4;
  const Tensor h = geglu(linear(x, inner * 2, w["net"][0]["proj"]), w["net"][0].path());
  return mark(linear(h, x.channels(), w["net"][2]), w);
}

Tensor transformer_block(Tensor x, const PromptKeys& prompt, std::uint32_t heads,
                         const Weights& w) {
  const Tensor h = layer_norm(x, kLayerNormEpsilon, w["norm1"]);
  x = x + self_attention(h, heads, w["attn1"]);
  const auto [keys, values] = prompt(x.channels(), w["attn2"]);
  x = x +
      attention_to(layer_norm(x, kLayerNormEpsilon, w["norm2"]), keys, values, heads, w["attn2"]);
  x = x + feed_forward(layer_norm(x, kLayerNormEpsilon, w["norm3"]), w["ff"]);
  return mark(x, w);
}

}  // namespace

Tensor time_embedding(Tensor timestep, const UnetConfig& config, const Weights& w) {
  const Tensor waves = timestep_embedding(timestep, config.levels[0].channels, w.path());
  const Tensor h = silu(linear(waves, config.time_channels(), w["linear_1"]));
  return mark(linear(h, config.time_channels(), w["linear_2"]), w);
}

Tensor resnet_block(Tensor x, Tensor time, std::uint32_t channels, const UnetConfig& config,
                    const Weights& w) {
  const auto norm = [&](Tensor h, std::string_view name) {
    return silu(group_norm(h, config.norm_groups, config.norm_epsilon, w[name]));
  };
  Tensor h = conv3x3(norm(x, "norm1"), channels, w["conv1"]);
  h = h + linear(time, channels, w["time_emb_proj"]);
  h = conv3x3(norm(h, "norm2"), channels, w["conv2"]);
  return mark(h + (x.channels() == channels ? x : conv1x1(x, channels, w["conv_shortcut"])), w);
}

Tensor spatial_transformer(Tensor x, const PromptKeys& prompt, std::uint32_t heads,
                           std::uint32_t layers, const UnetConfig& config, const Weights& w) {
  const auto project = [&](Tensor from, std::string_view name) {
    return config.linear_projection ? linear(from, x.channels(), w[name])
                                    : conv1x1(from, x.channels(), w[name]);
  };
  Tensor h = group_norm(x, config.norm_groups, kTransformerNormEpsilon, w["norm"]);
  h = project(h, "proj_in");
  for (std::uint32_t i = 0; i < layers; ++i) {
    h = transformer_block(h, prompt, heads, w["transformer_blocks"][i]);
  }
  return mark(project(h, "proj_out") + x, w);
}

Tensor downsample(Tensor x, const Weights& w) {
  return mark(conv3x3(x, x.channels(), w["conv"], {.stride = 2}), w);
}

Tensor upsample(Tensor x, const Shape& like, const Weights& w) {
  const Tensor large = upsample_nearest(x, like.height, like.width, w.path());
  return mark(conv3x3(large, x.channels(), w["conv"]), w);
}

}  // namespace kiln
