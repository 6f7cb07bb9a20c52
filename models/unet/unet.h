// The denoising network of Stable Diffusion: UNet2DConditionModel.
#pragma once

#include "models/nn/layers.h"
#include "models/unet/config.h"
#include "models/unet/prompt_keys.h"

namespace kiln {

// latent: [batch, height, width, in_channels], element type; timestep: f32 [batch or 1, 1, 1, 1];
// context: [batch, 1, tokens, context_channels]. Result: [batch, height, width, out_channels].
// Any height and width of 1 or more; odd sizes are restored on the way up.
// Source: diffusers, models/unets/unet_2d_condition.py.
Tensor unet(Tensor latent, Tensor timestep, Tensor context, const UnetConfig& config,
            const Weights& w);
// The same with keys and values that `prompt` gives each layer, of the same batch.
Tensor unet(Tensor latent, Tensor timestep, const PromptKeys& prompt, const UnetConfig& config,
            const Weights& w);

}  // namespace kiln
