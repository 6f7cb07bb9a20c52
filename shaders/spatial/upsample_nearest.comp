// y[i, j] = x[floor(i * in / out)]: nearest upsampling; one unit an invocation.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common/kernel.glsl"

layout(constant_id = 0) const uint WORKGROUP = 128;
layout(constant_id = 1) const bool QUADS = true;  // a unit is four channels, else one
layout(local_size_x_id = 0) in;

layout(binding = 0) readonly buffer X { element x[]; };  // [image, height_in, width_in, channel]
layout(binding = 0) readonly buffer X4 { element4 x4[]; };
layout(binding = 1) writeonly buffer Y { element y[]; };  // [image, height_out, width_out, channel]
layout(binding = 1) writeonly buffer Y4 { element4 y4[]; };

layout(push_constant) uniform Args {
  uint units; uint channel_units; uint height_in; uint width_in; uint height_out; uint width_out;
};

void main() {
  const uint i = folded_workgroup() * WORKGROUP + gl_LocalInvocationID.x;
  if (i >= units) return;
  const uint pixel = i / channel_units;
  const uint line = pixel / width_out;
  const uint image = line / height_out;
  const uint column_in = (pixel - line * width_out) * width_in / width_out;
  const uint line_in = (line - image * height_out) * height_in / height_out;
  const uint pixel_in = (image * height_in + line_in) * width_in + column_in;
  const uint from = pixel_in * channel_units + (i - pixel * channel_units);
  if (QUADS) y4[i] = x4[from];
  else y[i] = x[from];
}
