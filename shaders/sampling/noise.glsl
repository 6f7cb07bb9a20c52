// Unit normal noise for element `element` of image `image`: of the counter-based generator, or
// uploaded. Elements are counted as PyTorch does, [channel][y][x], whatever the layout of latents.
#ifndef KILN_NOISE_GLSL
#define KILN_NOISE_GLSL

#include "common/philox.glsl"

// Where noise comes from: NoiseSource of models/sampling/sampler_ops.h.
const uint kPhilox = 0u;
const uint kUploaded = 1u;
const uint kNoiseless = 2u;

// place: a latent element in memory order [pixel][channel], of one image.
uint torch_element(uint place, uint pixels, uint channels) {
  return place % channels * pixels + place / channels;
}

#endif
