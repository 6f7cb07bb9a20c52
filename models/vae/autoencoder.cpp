// Encoder and decoder share the residual block and the middle with its single-head attention.
#include "models/vae/autoencoder.h"

namespace kiln {
namespace {

constexpr float kEpsilon = 1e-6f;

Tensor norm(Tensor x, const VaeConfig& config, const Weights& w) {
  return group_norm(x, config.norm_groups, kEpsilon, w);
}

Tensor resnet_block(Tensor x, std::uint32_t channels, const VaeConfig& config, const Weights& w) {
  Tensor h = conv3x3(silu(norm(x, config, w["norm1"])), channels, w["conv1"]);
  h = conv3x3(silu(norm(h, config, w["norm2"])), channels, w["conv2"]);
  return mark(h + (x.channels() == channels ? x : conv1x1(x, channels, w["conv_shortcut"])), w);
}

Tensor attention_block(Tensor x, const VaeConfig& config, const Weights& w) {
  const Tensor h = norm(x, config, w["group_norm"]);
  const Tensor mixed = mix_tokens(h, 1, w, true);
  return mark(linear(mixed, x.channels(), w["to_out"][0]) + x, w);
}

Tensor middle(Tensor x, const VaeConfig& config, const Weights& w) {
  x = resnet_block(x, x.channels(), config, w["resnets"][0]);
  x = attention_block(x, config, w["attentions"][0]);
  return mark(resnet_block(x, x.channels(), config, w["resnets"][1]), w);
}

}  // namespace

Tensor vae_encode(Tensor image, const VaeConfig& config, const Weights& w) {
  const Weights encoder = w["encoder"];
  Tensor h = conv3x3(image, config.channels[0], encoder["conv_in"]);
  for (std::size_t i = 0; i < config.channels.size(); ++i) {
    const Weights down = encoder["down_blocks"][i];
    for (std::uint32_t j = 0; j < config.blocks; ++j) {
      h = resnet_block(h, config.channels[i], config, down["resnets"][j]);
    }
    if (i + 1 < config.channels.size()) {
      const Weights sampler = down["downsamplers"][0];
      const Conv2d half{.stride = 2, .padding = Conv2d::Padding::right_bottom};
      h = mark(conv3x3(h, h.channels(), sampler["conv"], half), sampler);
    }
  }
  h = middle(h, config, encoder["mid_block"]);
  h = silu(norm(h, config, encoder["conv_norm_out"]));
  h = conv3x3(h, config.latent_channels * 2, encoder["conv_out"]);
  return conv1x1(h, config.latent_channels * 2, w["quant_conv"]);
}

Tensor vae_decode(Tensor latent, const VaeConfig& config, const Weights& w) {
  const Weights decoder = w["decoder"];
  const std::size_t last = config.channels.size() - 1;
  Tensor h = conv1x1(latent, config.latent_channels, w["post_quant_conv"]);
  h = conv3x3(h, config.channels[last], decoder["conv_in"]);
  h = middle(h, config, decoder["mid_block"]);
  for (std::size_t i = 0; i <= last; ++i) {
    const Weights up = decoder["up_blocks"][i];
    for (std::uint32_t j = 0; j <= config.blocks; ++j) {
      h = resnet_block(h, config.channels[last - i], config, up["resnets"][j]);
    }
    if (i < last) {
      const Weights sampler = up["upsamplers"][0];
      const Shape size = h.shape();
      h = upsample_nearest(h, size.height * 2, size.width * 2, sampler.path());
      h = mark(conv3x3(h, h.channels(), sampler["conv"]), sampler);
    }
  }
  h = silu(norm(h, config, decoder["conv_norm_out"]));
  return conv3x3(h, config.out_channels, decoder["conv_out"]);
}

}  // namespace kiln
