// y = channels [first, first + count) of x; one unit an invocation.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common/kernel.glsl"
#include "common/quotient.glsl"

layout(constant_id = 0) const uint WORKGROUP = 128;
layout(constant_id = 1) const bool QUADS = true;  // a unit is four channels, else one
layout(local_size_x_id = 0) in;

layout(binding = 0) readonly buffer X { element x[]; };  // [row, channel of x]
layout(binding = 0) readonly buffer X4 { packed4 x4[]; };
layout(binding = 1) writeonly buffer Y { element y[]; };  // [row, count channels]
layout(binding = 1) writeonly buffer Y4 { packed4 y4[]; };

// In units; units_x: of a row of x.
layout(push_constant) uniform Args { uint units; uint units_x; uint first; uint count; };

void main() {
  const uint i = folded_workgroup() * WORKGROUP + gl_LocalInvocationID.x;
  if (i >= units) return;
  const uint row = quotient(i, count);
  const uint from = row * units_x + first + (i - row * count);
  if (QUADS) y4[i] = x4[from];
  else y[i] = x[from];
}
