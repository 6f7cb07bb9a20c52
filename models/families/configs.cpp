// Config keys of UNet2DConditionModel, AutoencoderKL and CLIPTextModel, one reader each.
#include "models/families/configs.h"

#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/error.h"

namespace kiln {
namespace {

constexpr std::int64_t kMaxChannels = 16384;

// True where the block has attention; refuses any other block by name.
bool has_attention(const Config& config, std::string_view block, std::string_view plain,
                   std::string_view attentive) {
  if (block == attentive) return true;
  if (block == plain) return false;
  fail(config.place(), "block type '{}' is not supported; supported are {} and {}", block, plain,
       attentive);
}

std::vector<std::string> block_types(const Config& config, std::string_view key,
                                     std::size_t levels) {
  std::vector<std::string> types = config.texts(key);
  if (types.size() != levels) {
    fail(config.place(), "{} has {} entries, block_out_channels has {}", key, types.size(), levels);
  }
  return types;
}

void refuse_unsupported_unet(const Config& config) {
  config.require_value("_class_name", {"UNet2DConditionModel"});
  config.require_value("act_fn", {"silu"});
  config.require_value("mid_block_type", {"UNetMidBlock2DCrossAttn"});
  config.require_value("time_embedding_type", {"positional"});
  config.require_value("attention_type", {"default"});
  config.require_value("resnet_time_scale_shift", {"default"});
  config.require_value("flip_sin_to_cos", {true});
  config.require_value("freq_shift", {0.0});
  config.require_value("downsample_padding", {1.0});
  config.require_value("conv_in_kernel", {3.0});
  config.require_value("conv_out_kernel", {3.0});
  config.require_value("mid_block_scale_factor", {1.0});
  config.require_value("resnet_out_scale_factor", {1.0});
  config.require_value("center_input_sample", {false});
  for (const char* key :
       {"addition_embed_type", "class_embed_type", "num_class_embeds", "class_embeddings_concat",
        "encoder_hid_dim", "encoder_hid_dim_type", "dual_cross_attention", "only_cross_attention",
        "mid_block_only_cross_attention", "resnet_skip_time_act", "time_cond_proj_dim",
        "time_embedding_dim", "time_embedding_act_fn", "timestep_post_act", "cross_attention_norm",
        "reverse_transformer_layers_per_block", "num_attention_heads"}) {
    config.require_absent(key);
  }
}

// Channels must split into groups and heads, or the networks could not be recorded.
void check_division(const Config& config, std::string_view what, std::int64_t channels,
                    std::string_view by, std::int64_t parts) {
  if (channels % parts != 0) {
    fail(config.place(), "{} {} is not a multiple of {} {}", what, channels, by, parts);
  }
}

}  // namespace

UnetConfig unet_config(const Config& config) {
  refuse_unsupported_unet(config);
  UnetConfig unet;
  const auto channels = config.integers("block_out_channels", 1, kMaxChannels, 8);
  const std::size_t levels = channels.size();
  const auto down = block_types(config, "down_block_types", levels);
  const auto up = block_types(config, "up_block_types", levels);
  const auto heads = config.integers_or_one("attention_head_dim", levels, 1, 1024);
  const bool layered = config.has("transformer_layers_per_block");
  const auto layers = layered
                          ? config.integers_or_one("transformer_layers_per_block", levels, 1, 64)
                          : std::vector<std::int64_t>(levels, 1);
  unet.norm_groups = std::uint32_t(config.integer("norm_num_groups", 1, 1024, 32));
  unet.levels.clear();
  for (std::size_t i = 0; i < levels; ++i) {
    const bool attentive = has_attention(config, down[i], "DownBlock2D", "CrossAttnDownBlock2D");
    if (attentive != has_attention(config, up[levels - 1 - i], "UpBlock2D", "CrossAttnUpBlock2D")) {
      fail(config.place(), "down_block_types[{}] is {} but the matching up block is {}", i, down[i],
           up[levels - 1 - i]);
    }
    check_division(config, "block_out_channels", channels[i], "norm_num_groups", unet.norm_groups);
    check_division(config, "block_out_channels", channels[i], "attention_head_dim (heads)",
                   heads[i]);
    unet.levels.push_back({std::uint32_t(channels[i]), attentive ? std::uint32_t(layers[i]) : 0,
                           std::uint32_t(heads[i])});
  }
  unet.in_channels = std::uint32_t(config.integer("in_channels", 1, 64, 4));
  unet.out_channels = std::uint32_t(config.integer("out_channels", 1, 64, 4));
  unet.blocks = std::uint32_t(config.integer("layers_per_block", 1, 16, 2));
  unet.context_channels =
      std::uint32_t(config.integer("cross_attention_dim", 1, kMaxChannels, 1280));
  unet.norm_epsilon = float(config.number("norm_eps", 1e-12, 1e-1, 1e-5));
  unet.mid_transformers = std::uint32_t(layers.back());
  unet.mid_heads = std::uint32_t(heads.back());
  unet.linear_projection = config.boolean("use_linear_projection", false);
  return unet;
}

VaeConfig vae_config(const Config& config) {
  config.require_value("_class_name", {"AutoencoderKL"});
  config.require_value("act_fn", {"silu"});
  config.require_value("mid_block_add_attention", {true});
  config.require_value("use_quant_conv", {true});
  config.require_value("use_post_quant_conv", {true});
  for (const char* key : {"latents_mean", "latents_std", "shift_factor"}) {
    config.require_absent(key);
  }
  VaeConfig vae;
  vae.channels.clear();
  vae.norm_groups = std::uint32_t(config.integer("norm_num_groups", 1, 1024, 32));
  for (const std::int64_t channels : config.integers("block_out_channels", 1, kMaxChannels, 8)) {
    check_division(config, "block_out_channels", channels, "norm_num_groups", vae.norm_groups);
    vae.channels.push_back(std::uint32_t(channels));
  }
  for (const std::string& block : block_types(config, "down_block_types", vae.channels.size())) {
    has_attention(config, block, "DownEncoderBlock2D", "DownEncoderBlock2D");
  }
  for (const std::string& block : block_types(config, "up_block_types", vae.channels.size())) {
    has_attention(config, block, "UpDecoderBlock2D", "UpDecoderBlock2D");
  }
  vae.in_channels = std::uint32_t(config.integer("in_channels", 3, 3, 3));
  vae.out_channels = std::uint32_t(config.integer("out_channels", 3, 3, 3));
  vae.latent_channels = std::uint32_t(config.integer("latent_channels", 1, 64, 4));
  vae.blocks = std::uint32_t(config.integer("layers_per_block", 1, 16, 2));
  vae.scaling_factor = float(config.number("scaling_factor", 1e-6, 1e6, 0.18215));
  return vae;
}

TextEncoderConfig text_encoder_config(const Config& config) {
  config.require_value("model_type", {"clip_text_model"});
  config.require_value("hidden_act", {"quick_gelu", "gelu"});
  TextEncoderConfig text;
  text.vocabulary = std::uint32_t(config.integer("vocab_size", 3, 1 << 20));
  text.positions = std::uint32_t(config.integer("max_position_embeddings", 3, 4096, 77));
  text.channels = std::uint32_t(config.integer("hidden_size", 1, kMaxChannels));
  text.inner = std::uint32_t(config.integer("intermediate_size", 1, kMaxChannels * 4));
  text.layers = std::uint32_t(config.integer("num_hidden_layers", 1, 256));
  text.heads = std::uint32_t(config.integer("num_attention_heads", 1, 1024));
  text.norm_epsilon = float(config.number("layer_norm_eps", 1e-12, 1e-1, 1e-5));
  if (config.text("hidden_act", "quick_gelu") == "gelu") {
    text.activation = TextEncoderConfig::Activation::gelu;
  }
  check_division(config, "hidden_size", text.channels, "num_attention_heads", text.heads);
  return text;
}

}  // namespace kiln
