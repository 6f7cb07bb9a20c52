// y = value * gelu(gate) with x = [value | gate] along channels; one unit an invocation.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common/kernel.glsl"
#include "common/activation.glsl"
#include "common/half_bits.glsl"
#include "common/quotient.glsl"

layout(constant_id = 0) const uint WORKGROUP = 128;
layout(constant_id = 1) const bool QUADS = true;  // a unit is four elements, else one
layout(local_size_x_id = 0) in;

layout(binding = 0) readonly buffer X { element x[]; };  // [row, 2 * channel]
layout(binding = 0) readonly buffer X4 { packed4 x4[]; };
layout(binding = 1) writeonly buffer Y { element y[]; };  // [row, channel]
layout(binding = 1) writeonly buffer Y4 { packed4 y4[]; };

layout(push_constant) uniform Args { uint units; uint channel_units; };

void main() {
  const uint i = folded_workgroup() * WORKGROUP + gl_LocalInvocationID.x;
  if (i >= units) return;
  const uint value = i + quotient(i, channel_units) * channel_units;
  const uint gate = value + channel_units;
  if (QUADS) {
    const vec4 g = load_packed4(x4[gate]);
    y4[i] = store_packed4(load_packed4(x4[value]) *
                          vec4(gelu(g.x), gelu(g.y), gelu(g.z), gelu(g.w)));
  } else {
    y[i] = store(load(x[value]) * gelu(load(x[gate])));
  }
}
