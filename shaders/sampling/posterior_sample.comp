// clean = (mean + exp(clamp(log variance, -30, 20) / 2) * noise) * factor, with
// moments = [mean | log variance] along channels. One latent element an invocation.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common/kernel.glsl"
#include "sampling/noise.glsl"

layout(constant_id = 0) const uint WORKGROUP = 64;
layout(constant_id = 1) const uint NOISE = 0;  // of noise.glsl
layout(local_size_x_id = 0) in;

layout(binding = 0) readonly buffer Moments { element moments[]; }; // [image or 1, pixel, 2 * c]
layout(binding = 1) readonly buffer Seeds { uvec2 seeds[]; };        // [image]: low and high word
layout(binding = 2) readonly buffer Uploaded { float uploaded[]; };  // [image, channel, pixel]
layout(binding = 3) writeonly buffer Clean { float clean[]; };       // [image, pixel, channel]

// image_stride: from one image's moments to the next, 0 if all images share those of one.
layout(push_constant) uniform Args {
  uint images; uint pixels; uint channels; uint image_stride; uint draw; float factor;
};

float noise(uint image, uint index) {
  if (NOISE == kPhilox) return philox_normal(seeds[image].x, seeds[image].y, draw, index);
  return uploaded[image * pixels * channels + index];
}

void main() {
  const uint i = folded_workgroup() * WORKGROUP + gl_LocalInvocationID.x;
  const uint image_elements = pixels * channels;
  if (i >= images * image_elements) return;
  const uint image = i / image_elements;
  const uint place = i - image * image_elements;
  const uint from = image * image_stride + place / channels * 2u * channels + place % channels;
  float value = load(moments[from]);
  if (NOISE != kNoiseless) {
    const float deviation = exp(0.5 * clamp(load(moments[from + channels]), -30.0, 20.0));
    value += deviation * noise(image, torch_element(place, pixels, channels));
  }
  clean[i] = value * factor;
}
