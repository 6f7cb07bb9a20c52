// VaeConfig: what an AutoencoderKL's config.json says, for the values Kiln supports.
#pragma once

#include <cstdint>
#include <vector>

namespace kiln {

// Defaults are Stable Diffusion 1.5.
struct VaeConfig {
  std::uint32_t in_channels = 3;
  std::uint32_t out_channels = 3;
  std::uint32_t latent_channels = 4;
  std::vector<std::uint32_t> channels = {128, 256, 512, 512};  // of each level, from the finest
  std::uint32_t blocks = 2;  // resnets a level in the encoder; one more in the decoder
  std::uint32_t norm_groups = 32;
  float scaling_factor = 0.18215f;  // latents the UNet sees = encoder latents * scaling_factor

  // Pixels of one latent's side.
  std::uint32_t downscale() const { return 1u << (channels.size() - 1); }
};

}  // namespace kiln
