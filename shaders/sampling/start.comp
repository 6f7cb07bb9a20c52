// slot 0 = clean * clean_scale + noise * noise_scale, the other slots = 0, row = 0. One latent
// element an invocation.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "sampling/noise.glsl"
#include "sampling/step_row.glsl"

layout(constant_id = 0) const uint WORKGROUP = 64;
layout(constant_id = 1) const uint NOISE = 0;           // of noise.glsl
layout(constant_id = 2) const bool WITH_CLEAN = false;  // there is a clean latent
layout(local_size_x_id = 0) in;

layout(binding = 0) writeonly buffer Slots { float slots[]; };    // [slot, image, pixel, channel]
layout(binding = 1) writeonly buffer Row { uint row; };
layout(binding = 2) readonly buffer Start { float clean_scale, noise_scale; };
layout(binding = 3) readonly buffer Seeds { uvec2 seeds[]; };     // [image]: low and high word
layout(binding = 4) readonly buffer Uploaded { float uploaded[]; };  // [draw, image, c, pixel]
layout(binding = 5) readonly buffer Clean { float clean[]; };     // [image, pixel, channel]

layout(push_constant) uniform Args { uint images; uint pixels; uint channels; uint first_draw; };

float noise(uint image, uint index) {
  if (NOISE == kPhilox) return philox_normal(seeds[image].x, seeds[image].y, first_draw, index);
  return uploaded[image * pixels * channels + index];
}

void main() {
  const uint workgroup = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
  const uint i = workgroup * WORKGROUP + gl_LocalInvocationID.x;
  const uint image_elements = pixels * channels, count = images * image_elements;
  if (i == 0u) row = 0u;
  if (i >= count) return;
  const uint image = i / image_elements;
  const uint index = torch_element(i - image * image_elements, pixels, channels);
  float value = noise(image, index) * noise_scale;
  if (WITH_CLEAN) value += clean[i] * clean_scale;
  slots[i] = value;
  for (uint s = 1u; s < kSlots; ++s) slots[s * count + i] = 0.0;
}
