// Inputs to bytes, one run on the device under test, bytes to numbers.
#include "tests/device/run_op.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "runtime/base/half.h"
#include "runtime/reference/interpreter.h"
#include "tests/device/run_plan.h"

namespace kiln::test {
namespace {

template <typename Number>
std::vector<std::byte> bytes_of(const std::vector<Number>& values) {
  std::vector<std::byte> bytes(values.size() * sizeof(Number));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

std::vector<std::byte> stored(const std::vector<float>& values, DType type) {
  if (type == DType::f32) return bytes_of(values);
  std::vector<std::uint16_t> halves;
  for (const float value : values) halves.push_back(half_from_float(value));
  return bytes_of(halves);
}

}  // namespace

std::vector<DType> element_types() {
  std::vector<DType> types = {DType::f32};
  if (device_profile().serves(kNeedStorage16)) types.push_back(DType::f16);
  return types;
}

std::vector<double> widened(const std::vector<float>& values) {
  return {values.begin(), values.end()};
}

OpRun::OpRun(DType element, const KernelChoice& wanted)
    : graph_("test", element), device_(device_profile()), wanted_(wanted) {}

void OpRun::limit_binding_bytes(std::uint64_t bytes) {
  device_.max_binding_bytes = std::min(device_.max_binding_bytes, bytes);
}

void OpRun::limit_dispatch_flops(std::uint64_t flops) {
  device_.max_dispatch_flops = std::min(device_.max_dispatch_flops, flops);
}

void OpRun::avoid(std::vector<std::string> kernels) {
  device_.avoided_kernels = std::move(kernels);
}

Tensor OpRun::persistent(Shape shape, DType dtype, std::vector<std::byte> bytes) {
  const std::string name = "input" + std::to_string(writes_.size());
  EXPECT_EQ(bytes.size(), shape.elements() * size_bytes(dtype)) << name;
  writes_[name] = std::move(bytes);
  return graph_.persistent(name, shape, dtype, Traffic::host_writes);
}

Tensor OpRun::input(Shape shape, const std::vector<float>& values) {
  return persistent(shape, element(), stored(values, element()));
}

Tensor OpRun::input_f32(Shape shape, const std::vector<float>& values) {
  return persistent(shape, DType::f32, bytes_of(values));
}

Tensor OpRun::input_u32(Shape shape, const std::vector<std::uint32_t>& values) {
  return persistent(shape, DType::u32, bytes_of(values));
}

Tensor OpRun::weight(std::vector<std::int64_t> dims, const std::vector<float>& values) {
  const std::vector<std::byte> bytes = bytes_of(values);
  const std::string name = "weight" + std::to_string(graph_.weights().size());
  const auto fill = [bytes](std::span<std::byte> out) {
    std::copy(bytes.begin(), bytes.end(), out.begin());
  };
  return graph_.constant(
      {.name = name, .dims = std::move(dims), .dtype = DType::f32, .read = fill});
}

const Plan& OpRun::compiled(Tensor result) {
  graph_.keep(result, "result", Traffic::host_reads);
  plan_ = compile(graph_, device_, wanted_);
  return plan_;
}

std::vector<std::uint8_t> OpRun::run_bytes(Tensor result) {
  const std::size_t size = result.shape().elements() * size_bytes(result.dtype());
  compiled(result);
  const std::vector<std::byte> bytes = run_plan(plan_, writes_, {"result"}).at("result");
  std::vector<std::uint8_t> out(size);
  std::memcpy(out.data(), bytes.data(), size);
  return out;
}

std::vector<float> OpRun::run(Tensor result) {
  const DType type = result.dtype();
  const std::vector<std::uint8_t> bytes = run_bytes(result);
  std::vector<float> values(bytes.size() / size_bytes(type));
  if (type == DType::f32) {
    std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  }
  std::vector<std::uint16_t> halves(values.size());
  std::memcpy(halves.data(), bytes.data(), bytes.size());
  std::transform(halves.begin(), halves.end(), values.begin(), float_from_half);
  return values;
}

void expect_close(const std::vector<float>& actual, const std::vector<double>& expected,
                  DType element, double float_error) {
  ASSERT_EQ(actual.size(), expected.size());
  const reference::Answer right{expected, std::vector<double>(expected.size(), float_error)};
  const reference::Difference worst = reference::worst_difference(widened(actual), right, element);
  EXPECT_LE(worst.ratio, 1.0) << to_text(element) << ": element " << worst.element << " is "
                              << worst.actual << ", expected " << worst.expected;
}

}  // namespace kiln::test
