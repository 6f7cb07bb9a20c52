// y = activation(sum of parts + bias + addend), four elements an invocation: the end of a product
// whose sums were divided among workgroups (divided.glsl). Parts are added in their order.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common/kernel.glsl"
#include "common/activation.glsl"

layout(binding = 0) readonly buffer Part { vec4 part4[]; };          // [part, row, output / 4]
layout(binding = 1) readonly buffer Bias { element4 bias4[]; };      // [output / 4]
layout(binding = 2) readonly buffer Addend { element4 addend4[]; };  // like y, or [image or 1, output / 4]
layout(binding = 3) writeonly buffer Y { element4 y4[]; };           // [row, output / 4]

layout(push_constant) uniform Args {
  uint quads;        // of the rows of this launch
  uint first_row;    // of them
  uint row_quads;    // of a row
  uint parts;
  uint part_quads;   // from one part to the next
  uint addend_rows;  // rows of y that share a row of addend; 0: all of them
};

layout(constant_id = 0) const uint WORKGROUP = 64;
layout(constant_id = 1) const bool HAS_BIAS = false;
layout(constant_id = 2) const bool HAS_ADDEND = false;
layout(constant_id = 3) const uint ACTIVATION = 0;
layout(local_size_x_id = 0) in;

void main() {
  const uint i = folded_workgroup() * WORKGROUP + gl_LocalInvocationID.x;
  if (i >= quads) return;
  vec4 value = part4[i];
  [[dont_unroll]] for (uint part = 1; part < parts; ++part) value += part4[part * part_quads + i];
  const uint row = first_row + i / row_quads, n = i % row_quads;
  if (HAS_BIAS) value += load4(bias4[n]);
  if (HAS_ADDEND) {
    const uint addend_row = addend_rows == 0 ? 0 : row / addend_rows;
    value += load4(addend4[addend_row * row_quads + n]);
  }
  if (ACTIVATION != kNone) {
    [[unroll]] for (uint c = 0; c < 4; ++c) value[c] = activate(value[c], ACTIVATION);
  }
  y4[first_row * row_quads + i] = store4(value);
}
