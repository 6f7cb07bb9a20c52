// Conversions to 16 bits by integers.
#ifndef KILN_HALF_BITS_GLSL
#define KILN_HALF_BITS_GLSL
#if defined(ELEMENT_F16)

// Bits of values in 16 bits, rounded to nearest even and saturated; NaN stays NaN. Software Vulkan
// takes four times as long to compile conversions of its own.
uvec2 half_bits(vec2 value) {
  const uvec2 bits = floatBitsToUint(value), size = bits & 0x7fffffffu;
  const uvec2 normal = (size + 0xc8000fffu + (size >> 13 & 1u)) >> 13;  // exponent: 127 becomes 15
  const uvec2 subnormal = floatBitsToUint(uintBitsToFloat(size) + 0.5) - floatBitsToUint(0.5);
  uvec2 half_size = mix(normal, subnormal, lessThan(size, uvec2(0x38800000u)));  // 2^-14
  half_size = min(half_size, uvec2(0x7bffu));                                    // 65504
  half_size = mix(half_size, uvec2(0x7e00u), greaterThan(size, uvec2(0x7f800000u)));
  return (bits >> 16 & 0x8000u) | half_size;
}

uint pack_halves(vec2 value) {
  const uvec2 bits = half_bits(value);
  return bits.x | bits.y << 16;
}

packed4 store_packed4(vec4 value) { return uvec2(pack_halves(value.xy), pack_halves(value.zw)); }

#else
packed4 store_packed4(vec4 value) { return value; }
#endif
#endif
