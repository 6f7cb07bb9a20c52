// The autoencoder of Stable Diffusion (AutoencoderKL): pixels to latents and back.
#pragma once

#include "models/nn/layers.h"
#include "models/vae/config.h"

namespace kiln {

// Source of both: diffusers, models/autoencoders/{autoencoder_kl,vae}.py.

// image: [batch, height, width, 3] in -1..1, sizes multiples of config.downscale().
// Result: [batch, height / 8, width / 8, 2 * latent_channels] = [mean | log variance]; the log
// variance is not yet clamped.
Tensor vae_encode(Tensor image, const VaeConfig& config, const Weights& w);

// latent: [batch, height, width, latent_channels], already divided by the scaling factor.
// Result: [batch, 8 * height, 8 * width, 3], about -1..1, not clamped.
Tensor vae_decode(Tensor latent, const VaeConfig& config, const Weights& w);

}  // namespace kiln
