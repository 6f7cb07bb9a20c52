// bytes = round(clamp(x / 2 + 0.5) * 255), four a word, so that no 8-bit storage is needed.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common/kernel.glsl"
#include "image/rgb8.glsl"

layout(constant_id = 0) const uint WORKGROUP = 128;
layout(local_size_x_id = 0) in;

layout(binding = 0) readonly buffer X { element4 x[]; };   // [image, pixel, 3]
layout(binding = 1) writeonly buffer Y { uint words[]; };  // the same elements as bytes

layout(push_constant) uniform Args { uint quads; };

void main() {
  const uint i = folded_workgroup() * WORKGROUP + gl_LocalInvocationID.x;
  if (i < quads) words[i] = to_bytes(load4(x[i]));
}
