// PyTorch's normal numbers on a CPU.
#include <cmath>
#include <numbers>

#include "models/sampling/random.h"

namespace kiln {
namespace {

constexpr std::size_t kBlock = 16;

float uniform_24_bits(std::uint32_t word) { return float(word & 0xffffffu) * 0x1p-24f; }

// 16 uniform numbers become 8 cosines and 8 sines.
void box_muller(std::span<float, kBlock> block) {
  constexpr std::size_t kHalf = kBlock / 2;
  for (std::size_t i = 0; i < kHalf; ++i) {
    const double radius = std::sqrt(-2 * std::log(1 - double(block[i])));
    const double angle = 2 * std::numbers::pi * double(block[i + kHalf]);
    block[i] = float(radius * std::cos(angle));
    block[i + kHalf] = float(radius * std::sin(angle));
  }
}

}  // namespace

void TorchCpuRandom::uniforms(std::span<float> out) {
  for (float& value : out) value = uniform_24_bits(next());
}

double TorchCpuRandom::uniform_53_bits() {
  const std::uint64_t high = next();
  const std::uint64_t word = high << 32 | next();
  return double(word & ((std::uint64_t(1) << 53) - 1)) * 0x1p-53;
}

void TorchCpuRandom::fill_blocks(std::span<float> out) {
  uniforms(out);
  for (std::size_t i = 0; i + kBlock <= out.size(); i += kBlock) {
    box_muller(out.subspan(i).first<kBlock>());
  }
  if (out.size() % kBlock != 0) {  // the last 16 are drawn anew
    const auto last = out.last<kBlock>();
    uniforms(last);
    box_muller(last);
  }
}

void TorchCpuRandom::normals(std::span<float> out) {
  if (out.size() >= kBlock) return fill_blocks(out);
  for (float& value : out) {
    if (kept_) {
      value = float(*kept_);
      kept_.reset();
      continue;
    }
    const double u1 = uniform_53_bits(), u2 = uniform_53_bits();
    const double radius = std::sqrt(-2 * std::log1p(-u2)), angle = 2 * std::numbers::pi * u1;
    value = float(radius * std::cos(angle));
    kept_ = radius * std::sin(angle);
  }
}

}  // namespace kiln
