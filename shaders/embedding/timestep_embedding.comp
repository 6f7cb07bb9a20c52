// y = [cos(t f_0) .. cos(t f_h-1) | sin(t f_0) .. sin(t f_h-1)], f_i = 10000^(-i / h), rounded to
// float32 where PyTorch rounds: i * ln 10000, / h, exp, * t. One frequency an invocation.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common/kernel.glsl"
#include "common/math.glsl"

layout(constant_id = 0) const uint WORKGROUP = 64;
layout(local_size_x_id = 0) in;

layout(binding = 0) readonly buffer Timesteps { float timesteps[]; };  // [count]
layout(binding = 1) writeonly buffer Y { element y[]; };               // [count, 2 * half_channels]

layout(push_constant) uniform Args { uint count; uint half_channels; };

void main() {
  const uint i = folded_workgroup() * WORKGROUP + gl_LocalInvocationID.x;
  if (i >= count * half_channels) return;
  const uint which = i / half_channels;
  const uint index = i - which * half_channels;
  precise const float numerator = 9.2103404 * float(index);
  const float exponent = index == 0u ? 0.0 : exact_quotient(numerator, float(half_channels));
  precise const float angle = timesteps[which] * exp_negative(exponent);
  const vec2 waves = cosine_sine(angle);
  const uint at = which * 2u * half_channels + index;
  y[at] = store(waves.x);
  y[at + half_channels] = store(waves.y);
}
