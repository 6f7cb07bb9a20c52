// Picks the latent of one image for the decoder, which works on one image at a time.
#pragma once

#include <string_view>

#include "models/sampling/sampler_ops.h"

namespace kiln {

// u32 [1, 1, 1, 1], written by the host before the decoder runs.
inline constexpr std::string_view kPickedImage = "decode.image";

// factor * slot 0 of the picked image, of the element type: [1, height, width, channels].
Tensor pick_latent(const SamplerState& state, float factor);

}  // namespace kiln
