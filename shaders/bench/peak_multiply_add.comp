// v = v * a + b, 16 * TURNS times in twelve independent chains an invocation: as many multiply-adds as a
// shader gets from a device. The sum is written so that none can be left out.
#version 460
#extension GL_EXT_control_flow_attributes : require

layout(constant_id = 0) const uint WORKGROUP = 64;
layout(constant_id = 1) const uint TURNS = 64;
layout(local_size_x_id = 0) in;

layout(binding = 0) writeonly buffer Y { float y[]; };  // [invocation]

layout(push_constant) uniform Args { float factor; float addend; };

void main() {
  const float seed = float(gl_LocalInvocationID.x);
  vec4 v0 = vec4(seed, seed + 1.0, seed + 2.0, seed + 3.0);
  vec4 v1 = v0 + 4.0, v2 = v0 + 8.0;
  const vec4 a = vec4(factor), b = vec4(addend);
  for (uint turn = 0u; turn < TURNS; ++turn) {
    [[unroll]] for (uint i = 0u; i < 16u; ++i) {
      v0 = fma(v0, a, b);
      v1 = fma(v1, a, b);
      v2 = fma(v2, a, b);
    }
  }
  const vec4 sum = v0 + v1 + v2;
  y[gl_WorkGroupID.x * WORKGROUP + gl_LocalInvocationID.x] = sum.x + sum.y + sum.z + sum.w;
}
