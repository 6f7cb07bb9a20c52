// y = factor * slot 0, repeated `copies` times along the batch. One element of y an invocation.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common/kernel.glsl"
#include "sampling/step_row.glsl"

layout(constant_id = 0) const uint WORKGROUP = 64;
layout(constant_id = 1) const bool FROM_ROW = true;  // factor: the row's input_scale
layout(local_size_x_id = 0) in;

layout(binding = 0) readonly buffer Slots { float slots[]; };  // [slot, image, pixel, channel]
layout(binding = 1) readonly buffer Table { StepRow rows[]; };
layout(binding = 2) readonly buffer Row { uint row; };
layout(binding = 3) writeonly buffer Y { element y[]; };  // [copy, image, pixel, channel]

layout(push_constant) uniform Args { uint elements; uint copies; float factor; };

void main() {
  const uint i = folded_workgroup() * WORKGROUP + gl_LocalInvocationID.x;
  if (i >= elements * copies) return;
  const float by = FROM_ROW ? rows[row].input_scale : factor;
  y[i] = store(by * slots[i % elements]);
}
