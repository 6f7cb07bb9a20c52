// y = [a | b] along channels; one unit an invocation.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common/kernel.glsl"
#include "common/quotient.glsl"

layout(constant_id = 0) const uint WORKGROUP = 128;
layout(constant_id = 1) const bool QUADS = true;  // a unit is four channels, else one
layout(local_size_x_id = 0) in;

layout(binding = 0) readonly buffer A { element a[]; };  // [row, channel of a]
layout(binding = 0) readonly buffer A4 { packed4 a4[]; };
layout(binding = 1) readonly buffer B { element b[]; };  // [row, channel of b]
layout(binding = 1) readonly buffer B4 { packed4 b4[]; };
layout(binding = 2) writeonly buffer Y { element y[]; };  // [row, channels of both]
layout(binding = 2) writeonly buffer Y4 { packed4 y4[]; };

layout(push_constant) uniform Args { uint units; uint units_a; uint units_b; };

void main() {
  const uint i = folded_workgroup() * WORKGROUP + gl_LocalInvocationID.x;
  if (i >= units) return;
  const uint row = quotient(i, units_a + units_b);
  const uint unit = i - row * (units_a + units_b);
  if (unit < units_a) {
    const uint from = row * units_a + unit;
    if (QUADS) y4[i] = a4[from];
    else y[i] = a[from];
  } else {
    const uint from = row * units_b + unit - units_a;
    if (QUADS) y4[i] = b4[from];
    else y[i] = b[from];
  }
}
