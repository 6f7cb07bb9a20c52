// What channel_apply.comp needs of a channel, from the statistics of its group's channels and their
// parts: (pivot, mean - pivot, scale / sqrt(variance + epsilon), shift). A workgroup takes a group of an
// image; lanes lie along channels.
// Source: Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm", 1979.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common/kernel.glsl"

layout(constant_id = 0) const uint WORKGROUP = 16;
layout(local_size_x_id = 0) in;
#include "common/reduce.glsl"

layout(binding = 0) readonly buffer Partials { vec2 partials[]; };     // [image, part, channel]
layout(binding = 1) readonly buffer First { element first_pixel[]; };  // [image, .., channel]
layout(binding = 2) readonly buffer Scale { element scale[]; };        // [channel]
layout(binding = 3) readonly buffer Shift { element shift[]; };        // [channel]
layout(binding = 4) writeonly buffer Table { vec4 table[]; };          // [image, channel]

layout(push_constant) uniform Args {
  uint pixels;          // of an image
  uint group_channels;
  uint first_image;     // of this launch
  uint parts;           // of an image
  uint part_pixels;
  uint row;             // channels of a row of partials, with its padding
  uint first_stride;    // elements from an image's first pixel to the next one's
  float epsilon;
};

float pixels_of(uint part) { return float(min(part_pixels, pixels - part * part_pixels)); }

void main() {
  const uint group = gl_WorkGroupID.x, image = first_image + gl_WorkGroupID.y;
  const uint first_channel = group * group_channels, end = first_channel + group_channels;
  const uint first = gl_WorkGroupID.y * first_stride;
  const float pivot = load(first_pixel[first + first_channel]);

  float mean = 0.0;
  for (uint c = first_channel + gl_LocalInvocationIndex; c < end; c += WORKGROUP) {
    float relative = 0.0;  // the channel's mean - its own pivot
    for (uint p = 0u; p < parts; ++p) {
      relative += pixels_of(p) / float(pixels) * partials[(image * parts + p) * row + c].x;
    }
    mean += relative + (load(first_pixel[first + c]) - pivot);
  }
  mean = workgroup_sum(mean) / float(group_channels);

  float squares = 0.0;
  for (uint c = first_channel + gl_LocalInvocationIndex; c < end; c += WORKGROUP) {
    const float own = load(first_pixel[first + c]) - pivot;
    for (uint p = 0u; p < parts; ++p) {
      const vec2 partial = partials[(image * parts + p) * row + c];
      const float distance = partial.x + own - mean;
      squares += partial.y + pixels_of(p) * distance * distance;
    }
  }
  const float variance = workgroup_sum(squares) / (float(pixels) * float(group_channels));
  const float factor = inversesqrt(variance + epsilon);
  for (uint c = first_channel + gl_LocalInvocationIndex; c < end; c += WORKGROUP) {
    table[image * gl_NumWorkGroups.x * group_channels + c] =
        vec4(pivot, mean, factor * load(scale[c]), load(shift[c]));
  }
}
