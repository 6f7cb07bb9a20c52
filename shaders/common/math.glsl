// Functions whose accuracy GLSL leaves open: tail of the normal law, exp(-x), cosine and sine.
#ifndef KILN_MATH_GLSL
#define KILN_MATH_GLSL

// High word of a * b.
uint high_word(uint a, uint b) {
  uint high, low;
  umulExtended(a, b, high, low);
  return high;
}

// (1 - erf(x / sqrt 2)) / 2 for x >= 0, to a relative error of 3e-7 (and that of exp).
// exp(-x^2 / 2) times a polynomial in t = 1 / (1 + 0.35 x), fitted at Chebyshev points to x = 14,
// beyond which the result is below the smallest normal number.
float normal_tail(float x) {
  const float t = 1.0 / (1.0 + 0.35 * x);
  float p = -0.029679522;
  p = p * t + 0.14654583;
  p = p * t - 0.260961228;
  p = p * t + 0.165050996;
  p = p * t - 0.0270466083;
  p = p * t + 0.107114588;
  p = p * t + 0.119444917;
  p = p * t + 0.139912298;
  p = p * t + 0.139618713;
  return exp(-0.5 * x * x) * p * t;
}

// exp(-x) for 0 <= x < 16, rounded to the nearest float in all but a few cases in a thousand, and
// the same bits on every device: integers only. x loses what lies below 2^-32.
float exp_negative(float x) {
  const uint bits = floatBitsToUint(x);
  const int exponent = int(bits >> 23) - 127;
  const uint mantissa = bits & 0x7fffffu | 0x800000u;
  // fraction: x modulo 1 in units of 2^-32. 23 - exponent bits of the mantissa are a fraction.
  uint fraction = 0u;
  if (exponent >= -9) fraction = mantissa << uint(exponent + 9);
  else if (exponent > -33) fraction = mantissa >> uint(-9 - exponent);
  // x = halvings * ln 2 + rest; ln 2 = 0xb17217f7 d1cf79ac / 2^64
  uint halvings = uint(x * 1.44269504);
  uint rest = fraction - (halvings * 0xb17217f7u + high_word(halvings, 0xd1cf79acu));
  if (rest >= 0xc0000000u) {  // the product above rounded up across a whole number
    --halvings;
    rest += 0xb17217f8u;
  }
  // exp(-r) = 1 - r/1 (1 - r/2 (1 - r/3 ...))
  uint result = 0xffffffffu;
  for (uint n = 13u; n >= 1u; --n) result = 0xffffffffu - high_word(rest, result) / n;
  const uint rounded = (result >> 8) + ((result >> 7) & 1u);
  return float(rounded) * uintBitsToFloat((127u - 24u - halvings) << 23);
}

// a / b rounded to nearest, which the division of a shader need not be.
// b: a whole number up to 4096; a: positive, far from the ends of the range of float.
float exact_quotient(float a, float b) {
  float q = a / b;
  for (int attempt = 0; attempt < 3; ++attempt) {
    // q in two halves, so that every product and difference below is exact
    const float high = uintBitsToFloat(floatBitsToUint(q) & 0xfffff000u);
    precise float remainder = a - high * b;
    remainder -= (q - high) * b;
    const float next = uintBitsToFloat(floatBitsToUint(q) + 1u);
    const float half_step = 0.5 * (next - q) * b;
    if (remainder > half_step) q = next;
    else if (remainder < -half_step) q = uintBitsToFloat(floatBitsToUint(q) - 1u);
  }
  return q;
}

// (cosine, sine) of x for |x| < 2^14, to 2e-7. The angle is reduced in integers: turns modulo 1 in
// units of 2^-32, with 1 / (2 pi) = 0x28be60db 9391054a / 2^64.
vec2 cosine_sine(float x) {
  const uint bits = floatBitsToUint(abs(x));
  const int exponent = int(bits >> 23) - 127;
  float angle = abs(x);
  uint quarter = 0u;
  if (exponent >= -1) {  // else no reduction is needed
    const uint mantissa = bits & 0x7fffffu | 0x800000u;
    uint high, low;
    umulExtended(mantissa, 0x28be60dbu, high, low);
    const uint carried = high_word(mantissa, 0x9391054au);
    const uint sum = low + carried;
    if (sum < low) ++high;
    const uint shift = uint(23 - exponent);  // 10 to 24
    const uint turns = high << (32u - shift) | sum >> shift;
    quarter = (turns + 0x20000000u) >> 30;
    angle = float(int(turns - (quarter << 30))) * 1.4629180792671596e-9;  // 2 pi / 2^32
  }
  // Taylor, |angle| <= pi / 4
  const float z = angle * angle;
  const float s =
      angle + angle * z *
                  (-0.16666667 + z * (0.0083333333 + z * (-0.00019841270 + z * 2.7557319e-6)));
  const float c =
      1.0 + z * (-0.5 + z * (0.041666667 +
                             z * (-0.0013888889 + z * (2.4801587e-5 - z * 2.7557319e-7))));
  const bool swapped = (quarter & 1u) != 0u;
  float cosine = swapped ? s : c;
  float sine = swapped ? c : s;
  if (quarter == 1u || quarter == 2u) cosine = -cosine;
  if (quarter >= 2u) sine = -sine;
  return vec2(cosine, x < 0.0 ? -sine : sine);
}

#endif
