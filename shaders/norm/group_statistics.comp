// partials = (mean - pivot, sum of squared distances from the mean) over a part of the pixels of a
// group, for groups too large for one workgroup. One workgroup per (image, group, part); a launch may
// take some parts of one image only.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common/kernel.glsl"

layout(constant_id = 0) const uint WORKGROUP = 256;
layout(constant_id = 1) const bool QUADS = false;  // a unit is four channels, else one
layout(local_size_x_id = 0) in;
#include "common/reduce.glsl"

layout(binding = 0) readonly buffer X { element x[]; };  // [image, pixel, channel]
layout(binding = 0) readonly buffer X4 { element4 x4[]; };
layout(binding = 1) readonly buffer First { element first_pixel[]; };  // [image, .., channel]
layout(binding = 2) writeonly buffer Partials { vec2 partials[]; };    // [image, group, part]

layout(push_constant) uniform Args {
  uint images;
  uint pixels;       // of each image that are bound, the first of them that of part first_part
  uint groups;
  uint group_units;
  uint parts;        // of a group
  uint part_pixels;
  uint first_part;
  uint runs;         // parts of this launch
  uint first_group;  // of the first image, counted over images
  uint first_stride; // elements from an image's first pixel to the next one's
};

#include "norm/group.glsl"
#include "norm/pivot.glsl"

void main() {
  const uint number = folded_workgroup();
  if (number >= images * groups * runs) return;  // the whole workgroup leaves
  const uint group = number / runs, part = number - group * runs;
  const uint channel_units = groups * group_units;
  const uint first = group / groups * pixels * channel_units + group % groups * group_units;
  const uint begin = part * part_pixels, end = min(begin + part_pixels, pixels);
  const float count = float(end - begin) * float(group_units * kWidth);
  const Stride stride = place_stride();

  // Relative to the group's first element, so that a large common offset costs no digits.
  const float pivot = pivot_of(group);
  float sum = 0.0;
  for (Place p = first_place(begin); p.pixel < end; p = next_place(p, stride)) {
    sum += total(read(first + p.pixel * channel_units + p.unit) - pivot);
  }
  const float mean = workgroup_sum(sum) / count;

  float squares = 0.0;
  for (Place p = first_place(begin); p.pixel < end; p = next_place(p, stride)) {
    precise const vec4 centered = read(first + p.pixel * channel_units + p.unit) - pivot - mean;
    squares += total(centered * centered);
  }
  squares = workgroup_sum(squares);
  if (gl_LocalInvocationIndex == 0u) partials[(first_group + group) * parts + first_part + part] = vec2(mean, squares);
}
