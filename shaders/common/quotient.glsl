// Division of whole numbers without a division of the device: software Vulkan divides lane by lane.
#ifndef KILN_QUOTIENT_GLSL
#define KILN_QUOTIENT_GLSL

// floor(a / b) for a < 2^31 and 0 < b < 2^24. Floats give the first 22 bits of it, then the rest.
uint quotient(uint a, uint b) {
  const float inverse = 1.0 / float(b);
  uint q = uint(int(float(int(a)) * inverse));
  // What is left is at most 2^10 + 1 times b, either way.
  q += uint(int(floor(float(int(a - q * b)) * inverse)));
  const int left = int(a - q * b);
  return left < 0 ? q - 1u : uint(left) >= b ? q + 1u : q;
}

#endif
