// One row of the step table (models/sampling/step_table.h), in place: guide, predict, combine.
// One latent element an invocation.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common/kernel.glsl"
#include "sampling/noise.glsl"
#include "sampling/step_row.glsl"

layout(constant_id = 0) const uint WORKGROUP = 64;
layout(constant_id = 1) const uint NOISE = 0;         // of noise.glsl
layout(constant_id = 2) const bool GUIDED = true;     // [uncond | cond], else cond alone
layout(constant_id = 3) const bool RESCALED = false;  // factors are there
layout(local_size_x_id = 0) in;

layout(binding = 0) buffer Slots { float slots[]; };  // [slot, image, pixel, channel]
layout(binding = 1) readonly buffer Output { element outputs[]; };  // [half, image, pixel, channel]
layout(binding = 2) readonly buffer Table { StepRow rows[]; };
layout(binding = 3) readonly buffer Row { uint row; };
layout(binding = 4) readonly buffer Seeds { uvec2 seeds[]; };        // [image]: low and high word
layout(binding = 5) readonly buffer Uploaded { float uploaded[]; };  // [draw, image, c, pixel]
layout(binding = 6) readonly buffer Factors { float factors[]; };    // [image]

layout(push_constant) uniform Args { uint images; uint pixels; uint channels; uint first_draw; };

float noise(uint draw, uint image, uint index) {
  const uvec2 seed = seeds[image];
  if (NOISE == kPhilox) return philox_normal(seed.x, seed.y, first_draw + draw, index);
  return uploaded[(draw * images + image) * pixels * channels + index];
}

void main() {
  const uint i = folded_workgroup() * WORKGROUP + gl_LocalInvocationID.x;
  const uint image_elements = pixels * channels, count = images * image_elements;
  if (i >= count) return;
  const uint image = i / image_elements, current = row;

  float guided = load(outputs[i]);
  if (GUIDED) {
    guided += rows[current].guidance * (load(outputs[count + i]) - guided);
    if (RESCALED) guided *= factors[image];
  }
  const vec4 low = vec4(slots[i], slots[count + i], slots[2u * count + i], slots[3u * count + i]);
  vec4 high = vec4(slots[4u * count + i], slots[5u * count + i], 0.0, 0.0);
  high.z = rows[current].skip_scale * low.x + rows[current].output_scale * guided;
  const uint draw = rows[current].noise_draw;
  if (draw != kNoNoise) {
    const uint place = i - image * image_elements;
    high.w = noise(draw, image, torch_element(place, pixels, channels));
  }
  for (uint s = 0u; s < kSlots; ++s) {
    const vec4 by_low = rows[current].update[2u * s], by_high = rows[current].update[2u * s + 1u];
    slots[s * count + i] = dot(by_low, low) + dot(by_high, high);
  }
}
