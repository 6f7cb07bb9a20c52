// matmul_tiled.comp where one instruction adds the products of two pairs of 16 bits to a float32
// (SPV_VALVE_mixed_float_dot_product): twice the rate of separate ones.
#version 460
#define ONLY_ELEMENT_F16
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_spirv_intrinsics : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#include "common/kernel.glsl"

spirv_instruction(extensions = ["SPV_VALVE_mixed_float_dot_product"], capabilities = [6912],
                  id = 6916) float dot_add(f16vec2 a, f16vec2 b, float c);

float fma_word(uint a, uint b, float c) {
  return dot_add(unpackFloat2x16(a), unpackFloat2x16(b), c);
}

#include "matmul/tiled.glsl"
