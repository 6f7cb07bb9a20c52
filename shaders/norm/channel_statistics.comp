// partials = (mean - pivot, sum of squared distances from the mean) of each channel over a part of
// an image's pixels, with the channel's first element as its pivot. First of three kernels that
// normalize groups where a subgroup is one vector: lanes lie along channels, so that whole lines of
// a cache are read. A workgroup is one subgroup and takes (part of an image, some channels).
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common/kernel.glsl"
#include "common/words.glsl"

layout(constant_id = 0) const uint LANES = 8;  // size of a subgroup
layout(local_size_x_id = 0) in;

layout(binding = 0) readonly buffer X { word x[]; };  // [image, pixel, channel]
layout(binding = 1) readonly buffer First { word first_pixel[]; };   // [image, .., channel]
layout(binding = 2) writeonly buffer Partials { vec2 partials[]; };  // [image, part, channel]

layout(push_constant) uniform Args {
  uint pixels;        // of each image that are bound, the first of them that of part first_part
  uint words;         // of a pixel
  uint parts;         // of an image
  uint part_pixels;
  uint first_part;
  uint runs;          // parts of this launch
  uint first_image;
  uint first_stride;  // words from an image's first pixel to the next one's
};

#include "norm/touch.glsl"

void main() {
  const uint image = gl_WorkGroupID.x / runs, run = gl_WorkGroupID.x - image * runs;
  // Lanes beyond a pixel repeat its last word; their writes lie in a row's padding.
  const uint at = gl_WorkGroupID.y * LANES + gl_LocalInvocationID.x, word_at = min(at, words - 1u);
  const uint begin = run * part_pixels, end = min(begin + part_pixels, pixels);
  const uint first = image * pixels * words + word_at;
  const vec2 pivot = values(first_pixel[image * first_stride + word_at]);

  vec2 sum = vec2(touch(image * pixels * words + gl_WorkGroupID.y * LANES, begin, end));
  for (uint p = begin; p < end; ++p) sum += values(x[first + p * words]) - pivot;
  const vec2 mean = sum / float(end - begin);

  vec2 squares = vec2(0);
  for (uint p = begin; p < end; ++p) {
    precise const vec2 centered = values(x[first + p * words]) - pivot - mean;
    squares += centered * centered;
  }
  const uint row = (first_image + image) * parts + first_part + run;
  const uint to = (row * gl_NumWorkGroups.y * LANES + at) * kWidth;
  partials[to] = vec2(mean.x, squares.x);
  if (kWidth == 2) partials[to + 1] = vec2(mean.y, squares.y);
}
