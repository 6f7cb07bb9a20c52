// Philox4x32-10 and normal numbers from it, the same bits on every device: integers, and additions
// and products of float32 that `precise` keeps from being fused. Twin of models/sampling/philox.cpp.
#ifndef KILN_PHILOX_GLSL
#define KILN_PHILOX_GLSL

// Salmon et al., 2011, "Parallel random numbers: as easy as 1, 2, 3".
uvec4 philox4x32_10(uvec4 counter, uvec2 key) {
  for (uint round = 0u; round < 10u; ++round) {
    uint high0, low0, high2, low2;
    umulExtended(counter.x, 0xd2511f53u, high0, low0);
    umulExtended(counter.z, 0xcd9e8d57u, high2, low2);
    counter = uvec4(high2 ^ counter.y ^ key.x, low2, high0 ^ counter.w ^ key.y, low0);
    key += uvec2(0x9e3779b9u, 0xbb67ae85u);
  }
  return counter;
}

// v / 2^32 + half / 2^32, rounded once: both parts are exact.
float philox_fraction(uint v, float half_unit) {
  precise float high = float(v >> 8) * 5.9604644775390625e-8;
  precise float low = (float(v & 255u) + half_unit) * 2.3283064365386963e-10;
  precise float sum = high + low;
  return sum;
}

// -ln((a + 1/2) / 2^32): the number is 2^-shift * (1 + f), sqrt(1/2) <= 1 + f < sqrt(2), and f is
// taken from the integer, so that it is precise also near 1.
float philox_minus_log(uint a) {
  uint shift = 32u, top = 0x80000000u;  // the number is top / 2^32 / 2^shift, for a = 0
  float half_unit = 0.0;                // what top lacks, in units of 2^-32
  if (a >= 0x80000000u) {
    shift = 0u;
    top = a;
    half_unit = 0.5;
  } else if (a != 0u) {
    shift = 31u - uint(findMSB(a));
    top = a << shift | 1u << (shift - 1u);
  }
  precise float f;
  if (top < 0xb504f334u) {
    f = philox_fraction(top << 1, 2.0 * half_unit);
    ++shift;
  } else {
    f = -philox_fraction(~top, 1.0 - half_unit);
  }
  // ln(1 + f) = f - f^2 / 2 + f^3 p(f), p fitted at Chebyshev points
  precise float p = 0.0697161144;
  p = p * f - 0.114797338;
  p = p * f + 0.116854199;
  p = p * f - 0.124256873;
  p = p * f + 0.142490576;
  p = p * f - 0.166678023;
  p = p * f + 0.200007157;
  p = p * f - 0.24999997;
  p = p * f + 0.333333312;
  precise float z = f * f;
  precise float log1p = f + (f * z * p - 0.5 * z);
  // ln 2 in two parts, so that the first product is exact
  precise float shifts = float(shift);
  precise float result = shifts * 0.693359375 + (shifts * -2.12194440e-4 - log1p);
  return result;
}

// By Newton's steps for 1 / sqrt(t) from a guess in the exponent; t > 0.
float philox_square_root(float t) {
  precise float y = uintBitsToFloat(0x5f3759dfu - (floatBitsToUint(t) >> 1));
  for (uint i = 0u; i < 3u; ++i) {
    precise float change = 0.5 * t * y * y;
    y = y * (1.5 - change);
  }
  precise float root = t * y;
  precise float rest = t - root * root;
  precise float result = root + 0.5 * y * rest;
  return result;
}

// sin(2 pi (b + 1/2) / 2^32), the quarter of the turn and the rest taken from the integer.
float philox_sine_of_turn(uint b) {
  const float radians_per_unit = 1.46291808e-9;  // 2 pi / 2^32
  const uint quarter = (b + 0x20000000u) >> 30;
  const int rest = int(b - (quarter << 30));
  precise float high = float(rest >> 8) * (256.0 * radians_per_unit);
  precise float low = (float(rest & 255) + 0.5) * radians_per_unit;
  precise float angle = high + low;
  precise float z = angle * angle;
  precise float s = -0.000195878909;
  s = s * z + 0.00833274827;
  s = s * z - 0.166666647;
  precise float c = 2.45479421e-5;
  c = c * z - 0.0013888303;
  c = c * z + 0.0416666647;
  precise float sine = angle + angle * z * s;
  precise float cosine = 1.0 - 0.5 * z + z * z * c;
  precise float value = (quarter & 1u) != 0u ? cosine : sine;
  return (quarter & 2u) != 0u ? -value : value;
}

// Unit normal of one element of draw number `draw`, as PyTorch on CUDA and A1111 on any device:
// Box and Muller on the first two words of counter (draw, 0, element, 0) under the key seed.
float philox_normal(uint seed_low, uint seed_high, uint draw, uint element_index) {
  const uvec4 words =
      philox4x32_10(uvec4(draw, 0u, element_index, 0u), uvec2(seed_low, seed_high));
  precise float radius = philox_square_root(2.0 * philox_minus_log(words.x));
  precise float value = radius * philox_sine_of_turn(words.y);
  return value;
}

#endif
