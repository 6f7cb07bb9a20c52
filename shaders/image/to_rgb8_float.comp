// As to_rgb8, from float32 in a graph of any element type.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "image/rgb8.glsl"

layout(constant_id = 0) const uint WORKGROUP = 128;
layout(local_size_x_id = 0) in;

layout(binding = 0) readonly buffer X { vec4 x[]; };     // [image, pixel, 3]
layout(binding = 1) writeonly buffer Y { uint words[]; };  // the same elements as bytes

layout(push_constant) uniform Args { uint quads; };

void main() {
  const uint workgroup = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
  const uint i = workgroup * WORKGROUP + gl_LocalInvocationID.x;
  if (i < quads) words[i] = to_bytes(x[i]);
}
