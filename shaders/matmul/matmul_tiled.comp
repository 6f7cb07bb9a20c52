// y as in matmul.comp, for GPUs without matrix units: see tiled.glsl.
// One workgroup makes TILE_ROWS rows by PANEL columns, each invocation 4 or 8 rows by 8 columns.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common/kernel.glsl"

#if defined(ELEMENT_F16)
float fma_word(uint a, uint b, float c) {
  const vec2 first = unpackHalf2x16(a), second = unpackHalf2x16(b);
  return fma(first.y, second.y, fma(first.x, second.x, c));
}
#else
float fma_word(float a, float b, float c) { return fma(a, b, c); }
#endif

#include "matmul/tiled.glsl"
