// factor = 1 + rescale * (deviation(cond) / deviation(guided) - 1) for each image, with
// guided = uncond + guidance * (cond - uncond). One workgroup an image.
// Source: Lin et al., "Common diffusion noise schedules and sample steps are flawed", 2023, 3.4.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common/kernel.glsl"
#include "sampling/step_row.glsl"

layout(constant_id = 0) const uint WORKGROUP = 128;
layout(local_size_x_id = 0) in;
#include "common/reduce.glsl"

layout(binding = 0) readonly buffer Output { element outputs[]; };  // [2 halves, image, element]
layout(binding = 1) readonly buffer Table { StepRow rows[]; };
layout(binding = 2) readonly buffer Row { uint row; };
layout(binding = 3) writeonly buffer Factors { float factors[]; };  // [image]

layout(push_constant) uniform Args { uint images; uint image_elements; };

// (cond, guided) of one element.
vec2 both(uint i, float guidance) {
  const float uncond = load(outputs[i]);
  const float cond = load(outputs[images * image_elements + i]);
  return vec2(cond, uncond + guidance * (cond - uncond));
}

vec2 workgroup_sums(vec2 value) { return vec2(workgroup_sum(value.x), workgroup_sum(value.y)); }

void main() {
  const uint image = folded_workgroup();
  if (image >= images) return;  // the whole workgroup leaves
  const float guidance = rows[row].guidance, rescale = rows[row].guidance_rescale;
  const uint first = image * image_elements;

  vec2 sum = vec2(0.0);
  for (uint i = gl_LocalInvocationIndex; i < image_elements; i += WORKGROUP) {
    sum += both(first + i, guidance);
  }
  const vec2 mean = workgroup_sums(sum) / float(image_elements);

  vec2 squares = vec2(0.0);
  for (uint i = gl_LocalInvocationIndex; i < image_elements; i += WORKGROUP) {
    const vec2 centered = both(first + i, guidance) - mean;
    squares += centered * centered;
  }
  squares = workgroup_sums(squares);
  if (gl_LocalInvocationIndex == 0u) {
    // The counts cancel. A constant guided prediction has nothing to rescale.
    const float ratio = squares.y > 0.0 ? sqrt(squares.x / squares.y) : 1.0;
    factors[image] = 1.0 + rescale * (ratio - 1.0);
  }
}
