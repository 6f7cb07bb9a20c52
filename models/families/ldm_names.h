// Translates the tensor names of original ("LDM") single-file checkpoints to diffusers' names.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kiln {

struct LdmLayout {
  std::uint32_t unet_blocks = 2;  // resnets a level, which the flat numbering depends on
  std::uint32_t vae_levels = 4;   // the decoder's levels are numbered from the finest
};

// "model.diffusion_model.input_blocks.1.0.in_layers.0.weight" to
// "unet.down_blocks.0.resnets.0.norm1.weight"; likewise vae. and text_encoder. Nothing for entries
// that hold no weight of the three networks (schedules, EMA copies, position ids).
// Source of the correspondence: diffusers, loaders/single_file_utils.py.
std::optional<std::string> diffusers_name(std::string_view ldm_name, const LdmLayout& layout);

// Reads the layout off a checkpoint's names.
LdmLayout ldm_layout(const std::vector<std::string>& names);

// True for VAE attention weights, which LDM keeps as 1x1 convolutions and diffusers as matrices.
bool is_ldm_projection(std::string_view ldm_name);

}  // namespace kiln
