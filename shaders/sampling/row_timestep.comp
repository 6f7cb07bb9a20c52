// timestep = that of the current row.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "sampling/step_row.glsl"

layout(local_size_x = 1) in;

layout(binding = 0) readonly buffer Table { StepRow rows[]; };
layout(binding = 1) readonly buffer Row { uint row; };
layout(binding = 2) writeonly buffer Timestep { float timestep; };

void main() { timestep = rows[row].timestep; }
