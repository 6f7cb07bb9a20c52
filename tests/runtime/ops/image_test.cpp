// Pictures as bytes, and conversions of type.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "runtime/base/error.h"
#include "runtime/base/half.h"
#include "runtime/ops/ops.h"
#include "runtime/reference/image.h"
#include "tests/device/run_op.h"

namespace kiln::test {
namespace {

std::vector<float> picture(const Shape& shape) {
  std::vector<float> rgb = numbers(shape.elements(), 1, 1.5f);
  const float corners[] = {-1.0f, 1.0f, 0.0f, 7.0f, -7.0f, std::nanf("")};
  for (std::size_t i = 0; i < std::size(corners) && i < rgb.size(); ++i) rgb[i] = corners[i];
  return rgb;
}

// x / 2 + 0.5 on a grid of 2^-11 times 255: exact in float32, so every tie is a tie.
TEST(ToRgb8, RoundsEachNumberToAByte) {
  for (const DType element : element_types()) {
    for (const Shape shape : {Shape{1, 64, 64, 3}, Shape{2, 5, 7, 3}, Shape{1, 1, 1, 3}}) {
      const auto rgb = picture(shape);
      std::vector<std::uint8_t> expected;
      for (const float value : rgb) expected.push_back(reference::to_byte(double(value)));
      OpRun run(element);
      EXPECT_EQ(run.run_bytes(to_rgb8(run.input(shape, rgb))), expected);
      OpRun from_float(element);
      EXPECT_EQ(from_float.run_bytes(to_rgb8(from_float.input_f32(shape, rgb))), expected);
    }
  }
}

TEST(ToRgb8, RefusesAnythingButThreeChannels) {
  OpRun run(DType::f32);
  EXPECT_THROW(to_rgb8(run.input({1, 1, 1, 4}, numbers(4, 1))), Error);
}

TEST(ToElement, RoundsToNearestEvenAndSaturates) {
  const std::vector<float> x = {1.0f, 1.0f + 0x1p-11f, 1.0f + 0x1.8p-10f, 1e6f, -1e6f, 0x1p-24f,
                                -3.3f};
  for (const DType element : element_types()) {
    std::vector<float> expected = x;
    if (element == DType::f16) {
      for (float& value : expected) {
        value = float_from_half(half_from_float(std::clamp(value, -65504.0f, 65504.0f)));
      }
    }
    OpRun run(element);
    EXPECT_EQ(run.run(to_element(run.input_f32({1, 1, 1, 7}, x))), expected);
  }
}

TEST(ToFloat, IsExact) {
  for (const DType element : element_types()) {
    const auto x = numbers(1001, 1, 64.0f);
    OpRun run(element);
    const Tensor result = to_float(run.input({7, 11, 13, 1}, x));
    EXPECT_EQ(result.dtype(), DType::f32);
    EXPECT_EQ(run.run(result), x);
  }
}

}  // namespace
}  // namespace kiln::test
