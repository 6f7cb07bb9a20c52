// v = v * a + b in 16 bits, 16 * TURNS times in twelve independent chains of pairs an invocation: as
// many packed multiply-adds as a shader gets. The sum is written so that none can be left out.
#version 460
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require

layout(constant_id = 0) const uint WORKGROUP = 64;
layout(constant_id = 1) const uint TURNS = 64;
layout(local_size_x_id = 0) in;

layout(binding = 0) writeonly buffer Y { float y[]; };  // [invocation]

layout(push_constant) uniform Args { float factor; float addend; };

void main() {
  const f16vec2 a = f16vec2(float16_t(factor)), b = f16vec2(float16_t(addend));
  f16vec2 v[12];
  [[unroll]] for (uint i = 0u; i < 12u; ++i) {
    v[i] = f16vec2(float16_t(float(gl_LocalInvocationID.x + 2u * i)),
                   float16_t(float(gl_LocalInvocationID.x + 2u * i + 1u)));
  }
  for (uint turn = 0u; turn < TURNS; ++turn) {
    [[unroll]] for (uint i = 0u; i < 16u; ++i) {
      [[unroll]] for (uint chain = 0u; chain < 12u; ++chain) v[chain] = fma(v[chain], a, b);
    }
  }
  f16vec2 sum = v[0];
  [[unroll]] for (uint chain = 1u; chain < 12u; ++chain) sum += v[chain];
  y[gl_WorkGroupID.x * WORKGROUP + gl_LocalInvocationID.x] = float(sum.x) + float(sum.y);
}
