// y = activation(scale * (x - mean) / sqrt(variance + epsilon) + shift) with what channel_scale.comp
// made of it. A workgroup is one subgroup and takes (run of pixels of an image, some channels); lanes
// lie along channels. A launch may take some lines of one image only.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common/kernel.glsl"
#include "common/activation.glsl"
#include "common/words.glsl"

layout(constant_id = 0) const uint LANES = 8;       // size of a subgroup
layout(constant_id = 1) const uint ACTIVATION = 0;  // of activation.glsl
layout(constant_id = 2) const bool WHOLE = true;    // a pixel is whole vectors of words
layout(local_size_x_id = 0) in;

layout(binding = 0) readonly buffer X { word x[]; };       // [image, pixel, channel]
layout(binding = 1) readonly buffer Table { vec4 table[]; };  // [image, channel]
layout(binding = 2) writeonly buffer Y { word y[]; };      // like x

layout(push_constant) uniform Args {
  uint pixels;       // of each image that are bound
  uint words;        // of a pixel
  uint runs;         // pieces of them, a workgroup each
  uint run_pixels;
  uint first_image;
};

#include "norm/touch.glsl"

void main() {
  const uint image = gl_WorkGroupID.x / runs, run = gl_WorkGroupID.x - image * runs;
  const uint at = gl_WorkGroupID.y * LANES + gl_LocalInvocationID.x;
  if (!WHOLE && at >= words) return;
  const uint channel = ((first_image + image) * words + at) * kWidth;
  const vec4 a = table[channel], b = kWidth == 2 ? table[channel + 1] : a;
  const vec2 pivot = vec2(a.x, b.x), mean = vec2(a.y, b.y);
  const uint begin = run * run_pixels, end = min(begin + run_pixels, pixels);
  const float nothing = touch(image * pixels * words + gl_WorkGroupID.y * LANES, begin, end);
  const vec2 factor = vec2(a.z, b.z), shift = vec2(a.w, b.w) + nothing;
  for (uint p = begin; p < end; ++p) {
    const uint index = (image * pixels + p) * words + at;
    precise const vec2 centered = values(x[index]) - pivot - mean;
    vec2 result = centered * factor + shift;
    result.x = activate(result.x, ACTIVATION);
    if (kWidth == 2) result.y = activate(result.y, ACTIVATION);
    y[index] = word_of(result);
  }
}
