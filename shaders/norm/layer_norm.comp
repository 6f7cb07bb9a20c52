// y = scale * (x - mean) / sqrt(variance + epsilon) + shift, statistics per row over channels.
// One workgroup per row.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common/kernel.glsl"
#include "common/half_bits.glsl"

layout(constant_id = 0) const uint WORKGROUP = 128;
layout(constant_id = 1) const bool QUADS = false;  // a unit is four channels, else one
layout(local_size_x_id = 0) in;
#include "common/reduce.glsl"

layout(binding = 0) readonly buffer X { element x[]; };  // [row, channel]
layout(binding = 0) readonly buffer X4 { packed4 x4[]; };
layout(binding = 1) readonly buffer Scale { element scale[]; };  // [channel]
layout(binding = 1) readonly buffer Scale4 { packed4 scale4[]; };
layout(binding = 2) readonly buffer Shift { element shift[]; };  // [channel]
layout(binding = 2) readonly buffer Shift4 { packed4 shift4[]; };
layout(binding = 3) writeonly buffer Y { element y[]; };         // like x
layout(binding = 3) writeonly buffer Y4 { packed4 y4[]; };

layout(push_constant) uniform Args { uint rows; uint units; float epsilon; };

const uint kWidth = QUADS ? 4u : 1u;  // elements of a unit

vec4 read(uint index) { return QUADS ? load_packed4(x4[index]) : vec4(load(x[index])); }
float total(vec4 value) { return QUADS ? (value.x + value.y) + (value.z + value.w) : value.x; }

void main() {
  const uint row = folded_workgroup();
  if (row >= rows) return;  // the whole workgroup leaves
  const uint first = row * units;
  const float count = float(units * kWidth);

  // Relative to the row's first element, so that a large common offset costs no digits.
  const float pivot = read(first).x;
  float sum = 0.0;
  for (uint i = gl_LocalInvocationIndex; i < units; i += WORKGROUP) {
    sum += total(read(first + i) - pivot);
  }
  const float mean = workgroup_sum(sum) / count;

  float squares = 0.0;
  for (uint i = gl_LocalInvocationIndex; i < units; i += WORKGROUP) {
    precise const vec4 centered = read(first + i) - pivot - mean;
    squares += total(centered * centered);
  }
  const float factor = inversesqrt(workgroup_sum(squares) / count + epsilon);

  for (uint i = gl_LocalInvocationIndex; i < units; i += WORKGROUP) {
    precise const vec4 centered = read(first + i) - pivot - mean;
    if (QUADS) {
      y4[first + i] = store_packed4(centered * factor * load_packed4(scale4[i]) +
                                    load_packed4(shift4[i]));
    } else {
      y[first + i] = store(centered.x * factor * load(scale[i]) + load(shift[i]));
    }
  }
}
