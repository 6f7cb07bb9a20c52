// Reads the config.json of each network of a diffusers folder; refuses by name what is not built.
#pragma once

#include "models/clip/text_encoder.h"
#include "models/unet/config.h"
#include "models/vae/config.h"
#include "runtime/weights/json_file.h"

namespace kiln {

// Each throws Error naming file, key, value and what is supported.
UnetConfig unet_config(const Config& config);
VaeConfig vae_config(const Config& config);
TextEncoderConfig text_encoder_config(const Config& config);

}  // namespace kiln
