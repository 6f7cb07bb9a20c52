// The UNet: down, middle, up, with a skip connection from every block on the way down.
#include "models/unet/unet.h"

#include <vector>

#include "models/unet/blocks.h"

namespace kiln {

Tensor unet(Tensor latent, Tensor timestep, Tensor context, const UnetConfig& config,
            const Weights& w) {
  return unet(latent, timestep, keys_from(context), config, w);
}

Tensor unet(Tensor latent, Tensor timestep, const PromptKeys& prompt, const UnetConfig& config,
            const Weights& w) {
  const Tensor time = silu(time_embedding(timestep, config, w["time_embedding"]));
  Tensor h = conv3x3(latent, config.levels[0].channels, w["conv_in"]);
  std::vector<Tensor> skips = {h};

  const int last = int(config.levels.size()) - 1;
  for (int i = 0; i <= last; ++i) {
    const auto [channels, transformers, heads] = config.levels[std::size_t(i)];
    const Weights down = w["down_blocks"][i];
    for (std::uint32_t j = 0; j < config.blocks; ++j) {
      h = resnet_block(h, time, channels, config, down["resnets"][j]);
      if (transformers > 0) {
        h = spatial_transformer(h, prompt, heads, transformers, config, down["attentions"][j]);
      }
      skips.push_back(h);
    }
    if (i < last) skips.push_back(h = downsample(h, down["downsamplers"][0]));
  }

  const Weights mid = w["mid_block"];
  h = resnet_block(h, time, h.channels(), config, mid["resnets"][0]);
  if (config.mid_transformers > 0) {
    h = spatial_transformer(h, prompt, config.mid_heads, config.mid_transformers, config,
                            mid["attentions"][0]);
  }
  h = mark(resnet_block(h, time, h.channels(), config, mid["resnets"][1]), mid);

  for (int i = last; i >= 0; --i) {
    const auto [channels, transformers, heads] = config.levels[std::size_t(i)];
    const Weights up = w["up_blocks"][last - i];
    for (std::uint32_t j = 0; j <= config.blocks; ++j) {
      h = resnet_block(concat(h, skips.back()), time, channels, config, up["resnets"][j]);
      skips.pop_back();
      if (transformers > 0) {
        h = spatial_transformer(h, prompt, heads, transformers, config, up["attentions"][j]);
      }
    }
    if (i > 0) h = upsample(h, skips.back().shape(), up["upsamplers"][0]);
  }
  h = silu(group_norm(h, config.norm_groups, config.norm_epsilon, w["conv_norm_out"]));
  return conv3x3(h, config.out_channels, w["conv_out"]);
}

}  // namespace kiln
