// y = a + b, one unit an invocation; b may have one row of channels for an image or for all images.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common/kernel.glsl"

layout(constant_id = 0) const uint WORKGROUP = 128;
layout(constant_id = 1) const bool QUADS = true;       // a unit is four elements, else one
layout(constant_id = 2) const bool BROADCAST = false;
layout(local_size_x_id = 0) in;

layout(binding = 0) readonly buffer A { element a[]; };  // [image, pixel, channel]
layout(binding = 0) readonly buffer A4 { element4 a4[]; };
layout(binding = 1) readonly buffer B { element b[]; };  // like a, or [image or 1, channel]
layout(binding = 1) readonly buffer B4 { element4 b4[]; };
layout(binding = 2) writeonly buffer Y { element y[]; };  // like a
layout(binding = 2) writeonly buffer Y4 { element4 y4[]; };

// All in units. image_stride: from one image's row of b to the next, 0 if they share one.
layout(push_constant) uniform Args {
  uint units; uint channel_units; uint image_units; uint image_stride;
};

void main() {
  const uint i = folded_workgroup() * WORKGROUP + gl_LocalInvocationID.x;
  if (i >= units) return;
  const uint from = BROADCAST ? i / image_units * image_stride + i % channel_units : i;
  if (QUADS) {
    y4[i] = store4(load4(a4[i]) + load4(b4[from]));
  } else {
    y[i] = store(load(a[i]) + load(b[from]));
  }
}
