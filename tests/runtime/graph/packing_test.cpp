// Weight layouts against an index-by-index restatement of their definition.
#include "runtime/graph/packing.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "runtime/base/error.h"
#include "runtime/base/half.h"

namespace kiln {
namespace {

WeightData counting(std::vector<std::int64_t> dims) {
  std::uint64_t count = 1;
  for (const std::int64_t extent : dims) count *= std::uint64_t(extent);
  return {.name = "counting", .dims = std::move(dims), .read = [count](std::span<std::byte> out) {
            ASSERT_EQ(out.size(), count * 4);
            for (std::uint64_t i = 0; i < count; ++i) {
              const float value = float(i);
              std::memcpy(out.data() + i * 4, &value, 4);
            }
          }};
}

std::vector<float> pack_to_floats(const WeightData& weight, const Packing& packing) {
  std::vector<float> out(packed_elements(packing, weight.dims));
  pack(weight, packing, DType::f32, std::as_writable_bytes(std::span(out)));
  return out;
}

TEST(Packing, PanelsPutOutputColumnsSideBySideAndPadWithZeros) {
  constexpr std::uint64_t kOut = 7, kIn = 3, kTaps = 9, kColumns = 4;
  const Packing packing{.layout = Packing::Layout::panels, .columns = kColumns};
  const std::vector<float> packed = pack_to_floats(counting({kOut, kIn, 3, 3}), packing);
  ASSERT_EQ(packed.size(), 8 * kIn * kTaps);
  for (std::uint64_t o = 0; o < 8; ++o) {
    for (std::uint64_t i = 0; i < kIn; ++i) {
      for (std::uint64_t t = 0; t < kTaps; ++t) {
        const std::uint64_t at = ((o / kColumns * kTaps + t) * kIn + i) * kColumns + o % kColumns;
        const float expected = o < kOut ? float((o * kIn + i) * kTaps + t) : 0.0f;
        EXPECT_EQ(packed[at], expected) << o << ' ' << i << ' ' << t;
      }
    }
  }
}

// U = G g G^T, row by row of the paper's G.
TEST(Packing, WinogradTransformsConvolutionsAndPadsWithZeros) {
  constexpr double kG[4][3] = {{1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}};
  constexpr std::uint64_t kOut = 7, kIn = 3, kColumns = 4;
  const Packing packing{.layout = Packing::Layout::winograd, .columns = kColumns};
  const std::vector<float> packed = pack_to_floats(counting({kOut, kIn, 3, 3}), packing);
  ASSERT_EQ(packed.size(), 8 * kIn * 16);
  for (std::uint64_t o = 0; o < 8; ++o) {
    for (std::uint64_t i = 0; i < kIn; ++i) {
      for (std::uint64_t t = 0; t < 16; ++t) {
        double expected = 0;
        for (std::uint64_t y = 0; y < 3 && o < kOut; ++y) {
          for (std::uint64_t x = 0; x < 3; ++x) {
            expected += kG[t / 4][y] * kG[t % 4][x] * double((o * kIn + i) * 9 + y * 3 + x);
          }
        }
        const std::uint64_t at = ((o / kColumns * 16 + t) * kIn + i) * kColumns + o % kColumns;
        EXPECT_EQ(double(packed[at]), expected) << o << ' ' << i << ' ' << t;
      }
    }
  }
}

TEST(Packing, PanelsOfSomeDepthPutInputsOfAColumnTogether) {
  constexpr std::uint64_t kOut = 7, kIn = 5, kTaps = 9, kColumns = 4, kDepth = 2;
  const Packing packing{.layout = Packing::Layout::panels, .columns = kColumns, .depth = kDepth};
  const std::vector<float> packed = pack_to_floats(counting({kOut, kIn, 3, 3}), packing);
  ASSERT_EQ(packed.size(), 8 * 6 * kTaps);
  for (std::uint64_t o = 0; o < 8; ++o) {
    for (std::uint64_t i = 0; i < 6; ++i) {
      for (std::uint64_t t = 0; t < kTaps; ++t) {
        const std::uint64_t block = (o / kColumns * kTaps + t) * 3 + i / kDepth;
        const std::uint64_t at = (block * kColumns + o % kColumns) * kDepth + i % kDepth;
        const bool there = o < kOut && i < kIn;
        EXPECT_EQ(packed[at], there ? float((o * kIn + i) * kTaps + t) : 0.0f);
      }
    }
  }
}

TEST(Packing, WinogradRefusesOtherKernels) {
  const Packing packing{.layout = Packing::Layout::winograd, .columns = 4};
  EXPECT_THROW(pack_to_floats(counting({4, 3, 2, 2}), packing), Error);
}

TEST(Packing, RowsAreASlice) {
  const Packing packing{.layout = Packing::Layout::rows, .first = 2, .count = 2};
  EXPECT_EQ(pack_to_floats(counting({5, 3}), packing), (std::vector<float>{6, 7, 8, 9, 10, 11}));
}

TEST(Packing, HalfSaturatesInsteadOfOverflowing) {
  const std::vector<float> values = {1e6f, -1e6f, 65504.0f, 0.1f, 1e-9f};
  const WeightData weight{.name = "large", .dims = {5}, .read = [&](std::span<std::byte> out) {
                            std::memcpy(out.data(), values.data(), out.size());
                          }};
  std::vector<std::uint16_t> halves(5);
  pack(weight, Packing{}, DType::f16, std::as_writable_bytes(std::span(halves)));
  EXPECT_EQ(float_from_half(halves[0]), 65504.0f);
  EXPECT_EQ(float_from_half(halves[1]), -65504.0f);
  EXPECT_EQ(float_from_half(halves[2]), 65504.0f);
  EXPECT_NEAR(float_from_half(halves[3]), 0.1f, 1e-4f);
  EXPECT_EQ(halves[4], 0u);
}

TEST(Packing, ConvertsDoublesAndBfloat16) {
  const std::vector<double> doubles = {0.5, -3.0};
  const WeightData from_double{
      .name = "d", .dims = {2}, .dtype = DType::f64, .read = [&](std::span<std::byte> out) {
        std::memcpy(out.data(), doubles.data(), out.size());
      }};
  EXPECT_EQ(pack_to_floats(from_double, Packing{}), (std::vector<float>{0.5f, -3.0f}));
  const std::vector<std::uint16_t> brains = {bfloat16_from_float(1.5f), bfloat16_from_float(-2)};
  const WeightData from_brain{
      .name = "b", .dims = {2}, .dtype = DType::bf16, .read = [&](std::span<std::byte> out) {
        std::memcpy(out.data(), brains.data(), out.size());
      }};
  EXPECT_EQ(pack_to_floats(from_brain, Packing{}), (std::vector<float>{1.5f, -2.0f}));
}

TEST(Packing, RefusesIntegers) {
  const WeightData weight{
      .name = "ids", .dims = {2}, .dtype = DType::i64, .read = [](std::span<std::byte>) {}};
  std::vector<std::byte> out(8);
  EXPECT_THROW(pack(weight, Packing{}, DType::f32, out), Error);
}

TEST(Half, EveryValueSurvivesARoundTrip) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float value = float_from_half(std::uint16_t(bits));
    if (std::isnan(value)) continue;
    EXPECT_EQ(half_from_float(value), bits);
  }
}

TEST(Half, RoundsToNearestEven) {
  for (std::uint32_t bits = 0; bits < 0x7bff; ++bits) {
    const double low = float_from_half(std::uint16_t(bits));
    const double high = float_from_half(std::uint16_t(bits + 1));
    const auto middle = float((low + high) / 2);  // exact in float
    EXPECT_EQ(half_from_float(middle), (bits & 1) == 0 ? bits : bits + 1);
    EXPECT_EQ(half_from_float(std::nextafter(middle, 0.0f)), bits);
    EXPECT_EQ(half_from_float(std::nextafter(middle, 1e9f)), bits + 1);
  }
}

}  // namespace
}  // namespace kiln
