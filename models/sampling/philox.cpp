// The host's twin of shaders/common/philox.glsl: the same operations in the same order, built
// without contraction to fused multiply-add.
#include <bit>

#include "models/sampling/random.h"

namespace kiln {
namespace {

std::uint32_t high_word(std::uint32_t a, std::uint32_t b) {
  return std::uint32_t((std::uint64_t(a) * b) >> 32);
}

// v / 2^32 + half / 2^32, rounded once: both parts are exact.
float fraction(std::uint32_t v, float half) {
  return float(v >> 8) * 0x1p-24f + (float(v & 255u) + half) * 0x1p-32f;
}

// -ln((a + 1/2) / 2^32): the number is 2^-shift * (1 + f), sqrt(1/2) <= 1 + f < sqrt(2), and f is
// taken from the integer, so that it is precise also near 1.
float minus_log(std::uint32_t a) {
  std::uint32_t shift = 32, top = 0x80000000u;  // the number is top / 2^32 / 2^shift, for a = 0
  float half = 0.0f;                            // what top lacks, in units of 2^-32
  if (a >= 0x80000000u) {
    shift = 0;
    top = a;
    half = 0.5f;
  } else if (a != 0) {
    shift = std::uint32_t(std::countl_zero(a));
    top = a << shift | 1u << (shift - 1);
  }
  float f;
  if (top < 0xb504f334u) {
    f = fraction(top << 1, 2.0f * half);
    ++shift;
  } else {
    f = -fraction(~top, 1.0f - half);
  }
  // ln(1 + f) = f - f^2 / 2 + f^3 p(f), p fitted at Chebyshev points
  float p = 0.0697161144f;
  p = p * f - 0.114797338f;
  p = p * f + 0.116854199f;
  p = p * f - 0.124256873f;
  p = p * f + 0.142490576f;
  p = p * f - 0.166678023f;
  p = p * f + 0.200007157f;
  p = p * f - 0.24999997f;
  p = p * f + 0.333333312f;
  const float z = f * f;
  const float log1p = f + (f * z * p - 0.5f * z);
  // ln 2 in two parts, so that the first product is exact
  const float shifts = float(shift);
  return shifts * 0.693359375f + (shifts * -2.12194440e-4f - log1p);
}

// By Newton's steps for 1 / sqrt(t) from a guess in the exponent; t > 0.
float square_root(float t) {
  float y = std::bit_cast<float>(0x5f3759dfu - (std::bit_cast<std::uint32_t>(t) >> 1));
  for (int i = 0; i < 3; ++i) {
    const float change = 0.5f * t * y * y;
    y = y * (1.5f - change);
  }
  const float root = t * y;
  const float rest = t - root * root;
  return root + 0.5f * y * rest;
}

// sin(2 pi (b + 1/2) / 2^32), the quarter of the turn and the rest taken from the integer.
float sine_of_turn(std::uint32_t b) {
  constexpr float kRadians = 1.46291808e-9f;  // 2 pi / 2^32
  const std::uint32_t quarter = (b + 0x20000000u) >> 30;
  const std::int32_t rest = std::int32_t(b - (quarter << 30));
  const float high = float(rest >> 8) * (256.0f * kRadians);
  const float low = (float(rest & 255) + 0.5f) * kRadians;
  const float angle = high + low;
  const float z = angle * angle;
  float s = -0.000195878909f;
  s = s * z + 0.00833274827f;
  s = s * z - 0.166666647f;
  float c = 2.45479421e-5f;
  c = c * z - 0.0013888303f;
  c = c * z + 0.0416666647f;
  const float sine = angle + angle * z * s;
  const float cosine = 1.0f - 0.5f * z + z * z * c;
  const float value = (quarter & 1u) != 0 ? cosine : sine;
  return (quarter & 2u) != 0 ? -value : value;
}

}  // namespace

std::array<std::uint32_t, 4> philox4x32_10(std::array<std::uint32_t, 4> counter,
                                           std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint32_t high0 = high_word(counter[0], 0xd2511f53u);
    const std::uint32_t high2 = high_word(counter[2], 0xcd9e8d57u);
    const std::uint32_t low0 = counter[0] * 0xd2511f53u, low2 = counter[2] * 0xcd9e8d57u;
    counter = {high2 ^ counter[1] ^ key[0], low2, high0 ^ counter[3] ^ key[1], low0};
    key = {key[0] + 0x9e3779b9u, key[1] + 0xbb67ae85u};
  }
  return counter;
}

float normal_from_bits(std::uint32_t a, std::uint32_t b) {
  return square_root(2.0f * minus_log(a)) * sine_of_turn(b);
}

void philox_normals(std::uint64_t seed, std::uint32_t draw, std::uint32_t first,
                    std::span<float> out) {
  const std::array<std::uint32_t, 2> key = {std::uint32_t(seed), std::uint32_t(seed >> 32)};
  for (float& value : out) {
    const auto words = philox4x32_10({draw, 0, first++, 0}, key);
    value = normal_from_bits(words[0], words[1]);
  }
}

}  // namespace kiln
