// y = factor * slot 0 of one image, whose number lies in device memory. One element an invocation.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common/kernel.glsl"

layout(constant_id = 0) const uint WORKGROUP = 64;
layout(local_size_x_id = 0) in;

layout(binding = 0) readonly buffer Slots { float slots[]; };  // [slot, image, pixel, channel]
layout(binding = 1) readonly buffer Image { uint image; };
layout(binding = 2) writeonly buffer Y { element y[]; };       // [pixel, channel]

layout(push_constant) uniform Args { uint elements; float factor; };

void main() {
  const uint i = folded_workgroup() * WORKGROUP + gl_LocalInvocationID.x;
  if (i < elements) y[i] = store(factor * slots[image * elements + i]);
}
