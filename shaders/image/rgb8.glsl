// Four bytes of a picture from four numbers, -1 to 1.
#ifndef KILN_RGB8_GLSL
#define KILN_RGB8_GLSL

// round(clamp(x / 2 + 0.5) * 255), half to even; NaN is black.
uint to_byte(float x) {
  if ((floatBitsToUint(x) & 0x7fffffffu) > 0x7f800000u) return 0u;
  return uint(roundEven(clamp(x * 0.5 + 0.5, 0.0, 1.0) * 255.0));
}

// Little endian: the first number is the byte at the lowest address.
uint to_bytes(vec4 x) {
  return to_byte(x.x) | to_byte(x.y) << 8 | to_byte(x.z) << 16 | to_byte(x.w) << 24;
}

#endif
