// The blocks of the UNet: residual block, spatial transformer, down- and upsampling.
#pragma once

#include "models/nn/layers.h"
#include "models/unet/config.h"
#include "models/unet/prompt_keys.h"

namespace kiln {

// Source of all: diffusers, models/resnet.py, attention.py, transformer_2d.py; the original names
// are those of Rombach et al., "High-resolution image synthesis with latent diffusion models",
// 2022.

// [batch or 1, 1, 1, 4c] from timesteps f32 [batch or 1, 1, 1, 1]: sinusoids and a two-layer MLP.
Tensor time_embedding(Tensor timestep, const UnetConfig& config, const Weights& w);

// time: silu of the time embedding.
Tensor resnet_block(Tensor x, Tensor time, std::uint32_t channels, const UnetConfig& config,
                    const Weights& w);

// x: [batch, height, width, channels].
Tensor spatial_transformer(Tensor x, const PromptKeys& prompt, std::uint32_t heads,
                           std::uint32_t layers, const UnetConfig& config, const Weights& w);

Tensor downsample(Tensor x, const Weights& w);
// To the size of `like`, so that odd sizes come back to themselves.
Tensor upsample(Tensor x, const Shape& like, const Weights& w);

}  // namespace kiln
