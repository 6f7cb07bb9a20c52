// Keys and values of cross-attention. They depend on the prompts alone, so that a stage that runs
// once a picture can make them for all of its steps.
#pragma once

#include <functional>

#include "models/nn/layers.h"
#include "models/unet/config.h"

namespace kiln {

// [batch, 1, tokens, channels] each.
struct KeysValues {
  Tensor keys, values;
};

// Those of the attention layer at `w`, in its channels.
using PromptKeys = std::function<KeysValues(std::uint32_t channels, const Weights& w)>;

// Projected wherever a layer asks for them. context: [batch, 1, tokens, context channels].
PromptKeys keys_from(Tensor context);

// Calls body(channels, w) for each cross-attention layer of a UNet at `w`, in no order of meaning.
void for_each_cross_attention(
    const UnetConfig& config, const Weights& w,
    const std::function<void(std::uint32_t channels, const Weights& layer)>& body);

}  // namespace kiln
