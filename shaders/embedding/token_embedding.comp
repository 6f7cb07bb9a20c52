// y = table[id] + positions[token], for ids of one range of the table's rows; one unit an
// invocation. The last range also writes zeros where an id is beyond the vocabulary.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common/kernel.glsl"

layout(constant_id = 0) const uint WORKGROUP = 128;
layout(constant_id = 1) const bool QUADS = true;  // a unit is four channels, else one
layout(local_size_x_id = 0) in;

layout(binding = 0) readonly buffer Ids { uint ids[]; };          // [image, token]
layout(binding = 1) readonly buffer Table { element table[]; };  // [count, channel]
layout(binding = 1) readonly buffer Table4 { element4 table4[]; };
layout(binding = 2) readonly buffer Positions { element positions[]; };  // [token, channel]
layout(binding = 2) readonly buffer Positions4 { element4 positions4[]; };
layout(binding = 3) writeonly buffer Y { element y[]; };  // [image, token, channel]
layout(binding = 3) writeonly buffer Y4 { element4 y4[]; };

// The table holds rows [first, first + count) of the vocabulary.
layout(push_constant) uniform Args {
  uint units; uint channel_units; uint tokens; uint first; uint count; uint vocabulary;
};

void main() {
  const uint i = folded_workgroup() * WORKGROUP + gl_LocalInvocationID.x;
  if (i >= units) return;
  const uint place = i / channel_units;
  const uint unit = i - place * channel_units;
  const uint id = ids[place];
  const bool unknown = id >= vocabulary;
  if (unknown ? first + count < vocabulary : id < first || id - first >= count) return;
  const uint from = (id - first) * channel_units + unit;
  const uint position = place % tokens * channel_units + unit;
  if (QUADS) {
    y4[i] = store4(unknown ? vec4(0.0) : load4(table4[from]) + load4(positions4[position]));
  } else {
    y[i] = store(unknown ? 0.0 : load(table[from]) + load(positions[position]));
  }
}
