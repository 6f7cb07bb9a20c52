// Where a UNet's cross-attention layers lie, and their projections of the prompts.
#include "models/unet/prompt_keys.h"

namespace kiln {

PromptKeys keys_from(Tensor context) {
  return [context](std::uint32_t channels, const Weights& w) {
    constexpr AttentionNames kNames;
    return KeysValues{linear_without_bias(context, channels, w[kNames.k]),
                      linear_without_bias(context, channels, w[kNames.v])};
  };
}

void for_each_cross_attention(
    const UnetConfig& config, const Weights& w,
    const std::function<void(std::uint32_t channels, const Weights& layer)>& body) {
  const auto transformer = [&](std::uint32_t channels, std::uint32_t layers, const Weights& at) {
    for (std::uint32_t i = 0; i < layers; ++i) {
      body(channels, at["transformer_blocks"][i]["attn2"]);
    }
  };
  const std::size_t count = config.levels.size();
  for (std::size_t i = 0; i < count; ++i) {
    const UnetLevel& level = config.levels[i];
    for (std::uint32_t j = 0; j < config.blocks; ++j) {
      transformer(level.channels, level.transformers, w["down_blocks"][i]["attentions"][j]);
    }
    for (std::uint32_t j = 0; j <= config.blocks; ++j) {
      transformer(level.channels, level.transformers,
                  w["up_blocks"][count - 1 - i]["attentions"][j]);
    }
  }
  transformer(config.levels.back().channels, config.mid_transformers,
              w["mid_block"]["attentions"][0]);
}

}  // namespace kiln
