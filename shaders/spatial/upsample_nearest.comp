// y[i, j] = x[floor(i * in / out)]: nearest upsampling; one unit an invocation. A launch may make
// the first lines of an image only.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common/kernel.glsl"
#include "common/quotient.glsl"

layout(constant_id = 0) const uint WORKGROUP = 128;
layout(constant_id = 1) const bool QUADS = true;  // a unit is four channels, else one
layout(local_size_x_id = 0) in;

layout(binding = 0) readonly buffer X { element x[]; };  // [image, height_in, width_in, channel]
layout(binding = 0) readonly buffer X4 { packed4 x4[]; };
layout(binding = 1) writeonly buffer Y { element y[]; };  // [image, height_out, width_out, channel]
layout(binding = 1) writeonly buffer Y4 { packed4 y4[]; };

layout(push_constant) uniform Args {
  uint channel_units; uint height_in; uint width_in; uint height_out; uint width_out;
};

// A workgroup takes units of one line.
void main() {
  const uint i = gl_GlobalInvocationID.x, line = gl_WorkGroupID.y, image = gl_WorkGroupID.z;
  if (i >= width_out * channel_units) return;
  const uint column = quotient(i, channel_units);
  const uint line_in = image * height_in + line * height_in / height_out;
  const uint pixel_in = line_in * width_in + quotient(column * width_in, width_out);
  const uint from = (pixel_in - column) * channel_units + i;
  const uint to = (image * gl_NumWorkGroups.y + line) * width_out * channel_units + i;
  if (QUADS) y4[to] = x4[from];
  else y[to] = x[from];
}
