// x = x + addend in place, four elements an invocation: as many bytes as memory moves.
#version 460

layout(constant_id = 0) const uint WORKGROUP = 64;
layout(local_size_x_id = 0) in;

layout(binding = 0) buffer X { vec4 x[]; };

layout(push_constant) uniform Args { uint quads; float addend; };

void main() {
  const uint workgroup = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
  const uint i = workgroup * WORKGROUP + gl_LocalInvocationID.x;
  if (i < quads) x[i] = x[i] + addend;
}
