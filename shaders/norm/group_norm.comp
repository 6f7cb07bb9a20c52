// y = activation(scale * (x - mean) / sqrt(variance + epsilon) + shift), statistics per image and
// group over pixels and the group's channels. One workgroup per (image, group).
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common/kernel.glsl"
#include "common/activation.glsl"

layout(constant_id = 0) const uint WORKGROUP = 256;
layout(constant_id = 1) const bool QUADS = false;    // a unit is four channels, else one
layout(constant_id = 2) const uint ACTIVATION = 0;  // of activation.glsl
layout(local_size_x_id = 0) in;
#include "common/reduce.glsl"

layout(binding = 0) readonly buffer X { element x[]; };  // [image, pixel, channel]
layout(binding = 0) readonly buffer X4 { element4 x4[]; };
layout(binding = 1) readonly buffer Scale { element scale[]; };  // [channel]
layout(binding = 2) readonly buffer Shift { element shift[]; };  // [channel]
layout(binding = 3) writeonly buffer Y { element y[]; };         // like x
layout(binding = 3) writeonly buffer Y4 { element4 y4[]; };

layout(push_constant) uniform Args {
  uint images; uint pixels; uint groups; uint group_units; float epsilon;
};

#include "norm/group.glsl"
#include "norm/write_scaled.glsl"

void main() {
  const uint group = folded_workgroup();
  if (group >= images * groups) return;  // the whole workgroup leaves
  const uint channel_units = groups * group_units;
  const uint first_unit = group % groups * group_units;
  const uint first = group / groups * pixels * channel_units + first_unit;
  const Stride stride = place_stride();
  const float count = float(pixels) * float(group_units * kWidth);

  // Relative to the group's first element, so that a large common offset costs no digits.
  const float pivot = read(first).x;
  float sum = 0.0;
  for (Place p = first_place(0u); p.pixel < pixels; p = next_place(p, stride)) {
    sum += total(read(first + p.pixel * channel_units + p.unit) - pivot);
  }
  const float mean = workgroup_sum(sum) / count;

  float squares = 0.0;
  for (Place p = first_place(0u); p.pixel < pixels; p = next_place(p, stride)) {
    precise const vec4 centered = read(first + p.pixel * channel_units + p.unit) - pivot - mean;
    squares += total(centered * centered);
  }
  const float factor = inversesqrt(workgroup_sum(squares) / count + epsilon);

  for (Place p = first_place(0u); p.pixel < pixels; p = next_place(p, stride)) {
    const uint index = first + p.pixel * channel_units + p.unit;
    precise const vec4 centered = read(index) - pivot - mean;
    write(index, (first_unit + p.unit) * kWidth, centered * factor);
  }
}
