// y = f(x), four elements an invocation.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common/kernel.glsl"
#include "common/activation.glsl"

layout(constant_id = 0) const uint WORKGROUP = 128;
layout(constant_id = 1) const uint FUNCTION = 0;  // of activation.glsl, or kScale
layout(local_size_x_id = 0) in;

layout(binding = 0) readonly buffer X { element4 x[]; };
layout(binding = 1) writeonly buffer Y { element4 y[]; };  // like x

layout(push_constant) uniform Args { uint quads; float factor; };

const uint kScale = 4u;  // x * factor

float apply(float value) {
  return FUNCTION == kScale ? value * factor : activate(value, FUNCTION);
}

void main() {
  const uint i = folded_workgroup() * WORKGROUP + gl_LocalInvocationID.x;
  if (i >= quads) return;
  const vec4 value = load4(x[i]);
  y[i] = store4(vec4(apply(value.x), apply(value.y), apply(value.z), apply(value.w)));
}
