// The storage type in words, as software Vulkan reads and writes it fastest: two values each in 16 bits.
#if defined(ELEMENT_F16)
#define word uint
const uint kWidth = 2;
vec2 values(uint loaded) { return unpackHalf2x16(loaded); }

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

uint word_of(vec2 value) {
  const uvec2 bits = half_bits(value);
  return bits.x | bits.y << 16;
}
#else
#define word float
const uint kWidth = 1;
vec2 values(float loaded) { return vec2(loaded, 0); }
float word_of(vec2 value) { return value.x; }
#endif
