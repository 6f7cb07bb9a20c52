// Widens the element type to float32, four elements an invocation.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common/kernel.glsl"

layout(constant_id = 0) const uint WORKGROUP = 128;
layout(local_size_x_id = 0) in;

layout(binding = 0) readonly buffer X { element4 x[]; };
layout(binding = 1) writeonly buffer Y { vec4 y[]; };  // like x

layout(push_constant) uniform Args { uint quads; };

void main() {
  const uint i = folded_workgroup() * WORKGROUP + gl_LocalInvocationID.x;
  if (i < quads) y[i] = load4(x[i]);
}
