// y = activation(scale * (x - mean) / sqrt(variance + epsilon) + shift) with the statistics of
// group_statistics. One workgroup per (image, group, run of pixels); a launch may take some lines of
// one image only.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common/kernel.glsl"
#include "common/activation.glsl"

layout(constant_id = 0) const uint WORKGROUP = 256;
layout(constant_id = 1) const bool QUADS = false;    // a unit is four channels, else one
layout(constant_id = 2) const uint ACTIVATION = 0;  // of activation.glsl
layout(local_size_x_id = 0) in;

layout(binding = 0) readonly buffer X { element x[]; };  // [image, pixel, channel]
layout(binding = 0) readonly buffer X4 { element4 x4[]; };
layout(binding = 1) readonly buffer Scale { element scale[]; };     // [channel]
layout(binding = 2) readonly buffer Shift { element shift[]; };     // [channel]
layout(binding = 3) readonly buffer Partials { vec2 partials[]; };  // [image, group, part]
layout(binding = 4) readonly buffer First { element first_pixel[]; };  // [image, .., channel]
layout(binding = 5) writeonly buffer Y { element y[]; };            // like x
layout(binding = 5) writeonly buffer Y4 { element4 y4[]; };

layout(push_constant) uniform Args {
  uint images;
  uint pixels;       // of an image
  uint groups;
  uint group_units;
  uint parts;        // of a group, in partials
  uint part_pixels;
  uint band_pixels;  // of each image that are bound
  uint runs;         // pieces of them, a workgroup each
  uint run_pixels;
  uint first_group;  // of the first image, counted over images
  uint first_stride; // elements from an image's first pixel to the next one's
  float epsilon;
};

#include "norm/group.glsl"
#include "norm/pivot.glsl"

// (mean, variance) of a group from those of its parts.
// Source: Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm", 1979.
vec2 statistics(uint group) {
  float mean = 0.0, squares = 0.0;
  for (uint p = 0u; p < parts; ++p) {
    const float share = float(min(part_pixels, pixels - p * part_pixels)) / float(pixels);
    mean += share * partials[group * parts + p].x;
  }
  for (uint p = 0u; p < parts; ++p) {
    const uint count_pixels = min(part_pixels, pixels - p * part_pixels);
    const float count = float(count_pixels) * float(group_units * kWidth);
    const vec2 partial = partials[group * parts + p];
    squares += partial.y + count * (partial.x - mean) * (partial.x - mean);
  }
  return vec2(mean, squares / (float(pixels) * float(group_units * kWidth)));
}
#include "norm/write_scaled.glsl"

void main() {
  const uint number = folded_workgroup();
  if (number >= images * groups * runs) return;
  const uint group = number / runs, run = number - group * runs;
  const uint channel_units = groups * group_units;
  const uint first_unit = group % groups * group_units;
  const uint first = group / groups * band_pixels * channel_units + first_unit;
  const uint begin = run * run_pixels, end = min(begin + run_pixels, band_pixels);
  const float pivot = pivot_of(group);  // the means are relative to it
  const vec2 of = statistics(first_group + group);
  const float factor = inversesqrt(of.y + epsilon);
  const Stride stride = place_stride();
  for (Place p = first_place(begin); p.pixel < end; p = next_place(p, stride)) {
    const uint index = first + p.pixel * channel_units + p.unit;
    precise const vec4 centered = read(index) - pivot - of.x;
    write(index, (first_unit + p.unit) * kWidth, centered * factor);
  }
}
