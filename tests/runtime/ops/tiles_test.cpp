// Every tile of every kernel against double: those that kiln tune may choose on CPUs and on GPUs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <set>

#include "runtime/ops/ops.h"
#include "runtime/reference/attention.h"
#include "runtime/reference/elementwise.h"
#include "runtime/reference/product.h"
#include "tests/device/run_op.h"
#include "tests/runtime/ops/product_test.h"

namespace kiln::test {
namespace {

struct Subject {
  std::function<Tensor(OpRun& run)> record;
  std::vector<double> right;
  std::function<double(std::string_view kernel, DType element)> error;
};

bool runs_kernel(const Plan& plan, std::string_view kernel) {
  return std::any_of(plan.dispatches.begin(), plan.dispatches.end(),
                     [&](const Dispatch& dispatch) { return dispatch.kernel->name == kernel; });
}

bool any_choice(const KernelChoice&) { return true; }

// Choices of this device, and those of a GPU that had its limits, as far as `wanted` holds: each in
// one element type, the first of each kernel in all. Returns those that were run.
std::vector<KernelChoice> expect_every_choice_right(
    const Subject& subject, const std::vector<DType>& elements = element_types(),
    bool (*wanted)(const KernelChoice& choice) = any_choice) {
  std::vector<KernelChoice> runs;
  std::set<std::pair<std::string, std::string>> seen;
  for (const DType element : elements) {
    std::set<std::string> kernels;
    for (const DeviceKind kind : {device_profile().kind, DeviceKind::discrete}) {
      OpRun first(element);
      first.pretend(kind);
      const Plan plan = first.compiled(subject.record(first));
      for (const KernelChoice& choice : plan.problems.at(0).choices(first.device())) {
        if (!wanted(choice)) continue;
        const bool first_of_kernel = kernels.insert(choice.kernel).second;
        if (!seen.emplace(choice.kernel, choice.tile).second && !first_of_kernel) continue;
        SCOPED_TRACE(choice.kernel + ' ' + choice.tile + ' ' + std::string(to_text(element)));
        OpRun run(element, choice);
        run.pretend(kind);
        const std::vector<float> actual = run.run(subject.record(run));
        EXPECT_TRUE(runs_kernel(run.plan(), choice.kernel));
        expect_close(actual, subject.right, element, subject.error(choice.kernel, element));
        runs.push_back(choice);
      }
    }
  }
  return runs;
}

// Rows and outputs are no multiples of tiles; inputs are of every kernel's step.
TEST(Tiles, OfProductsAgreeWithDouble) {
  constexpr std::uint32_t kRows = 149, kInputs = 64, kOutputs = 140;
  const Shape shape{1, 1, kRows, kOutputs};
  const auto x = numbers(kRows * kInputs, 1), weight = numbers(kOutputs * kInputs, 2, kWeightScale);
  const auto bias = numbers(kOutputs, 3), other = numbers(shape.elements(), 4);
  const Subject subject{.record =
                            [&](OpRun& run) {
                              const Tensor y = linear(run.input({1, 1, kRows, kInputs}, x),
                                                      run.weight({kOutputs, kInputs}, weight),
                                                      run.weight({kOutputs}, bias));
                              return y + run.input(shape, other);
                            },
                        .right = reference::add(reference::linear(widened(x), widened(weight),
                                                                  widened(bias), kRows, kOutputs),
                                                shape, widened(other)),
                        .error = [](std::string_view, DType) { return sum_error(kInputs); }};
  EXPECT_GT(expect_every_choice_right(subject).size(), 10u);
}

// How rows are found does not hang on the element type; products above have both.
TEST(Tiles, OfConvolutionsAgreeWithDouble) {
  constexpr Shape kX{2, 9, 8, 32};
  constexpr std::uint32_t kOutputs = 68, kTerms = 9 * kX.channels;
  const auto x = numbers(kX.elements(), 1);
  const auto weight = numbers(std::size_t(kOutputs) * kTerms, 2, kWeightScale);
  const auto bias = numbers(kOutputs, 3);
  const Subject subject{
      .record =
          [&](OpRun& run) {
            return conv2d(run.input(kX, x), run.weight({kOutputs, kX.channels, 3, 3}, weight),
                          run.weight({kOutputs}, bias), {});
          },
      .right = reference::conv2d(
          {.x = kX, .y = kX.with_channels(kOutputs), .kernel = 3, .stride = 1, .before = 1},
          widened(x), widened(weight), widened(bias)),
      .error = [](std::string_view kernel,
                  DType element) { return product_error(kernel, element, kTerms); }};
  EXPECT_GT(expect_every_choice_right(subject, {DType::f32}).size(), 10u);
}

bool is_divided(const KernelChoice& choice) { return choice.tile.find('/') != std::string::npos; }

// Each count of parts, each kernel that divides sums, and all that their end takes over: a bias, an
// addend that repeats in three ways and an activation.
TEST(Tiles, OfDividedSumsAgreeWithDouble) {
  constexpr Shape kX{3, 5, 7, 256};
  constexpr std::uint32_t kOutputs = 44, kTerms = 9 * kX.channels;
  constexpr Shape kY = kX.with_channels(kOutputs);
  const auto x = numbers(kX.elements(), 1);
  const auto weight = numbers(std::size_t(kOutputs) * kTerms, 2, kWeightScale);
  const auto bias = numbers(kOutputs, 3);
  const auto sums = reference::conv2d({.x = kX, .y = kY, .kernel = 3, .stride = 1, .before = 1},
                                      widened(x), widened(weight), widened(bias));
  for (const Shape& other : {kY, Shape{3, 1, 1, kOutputs}, Shape{1, 1, 1, kOutputs}}) {
    SCOPED_TRACE(to_text(other));
    const auto added = numbers(other.elements(), 4);
    const Subject subject{
        .record =
            [&](OpRun& run) {
              const Tensor y =
                  conv2d(run.input(kX, x), run.weight({kOutputs, kX.channels, 3, 3}, weight),
                         run.weight({kOutputs}, bias), {});
              return silu(y + run.input(other, added));
            },
        .right = reference::map(reference::add(sums, kY, widened(added)), reference::silu),
        .error = [](std::string_view,
                    DType) { return 2.0 * sum_error(kTerms) + kActivationError; }};
    std::map<std::string, std::set<std::string>> parts;
    for (const KernelChoice& run : expect_every_choice_right(subject, element_types(), is_divided))
      parts[run.kernel].insert(run.tile.substr(run.tile.find('/')));
    EXPECT_TRUE(parts.contains("matmul/matmul_tiled"));
    for (const auto& [kernel, counts] : parts) {
      EXPECT_THAT(counts, testing::ElementsAre("/2", "/3", "/4", "/6", "/8")) << kernel;
    }
  }
}

// Shapes of Stable Diffusion 1.5 at its least sizes, 64 and 256 pixels, with fewer outputs: by the
// tables of this device and of a GPU that had its limits.
void expect_divided_right(Shape shape, std::uint32_t outputs) {
  const std::uint32_t terms = 9 * shape.channels;
  const auto x = numbers(shape.elements(), 1);
  const auto weight = numbers(std::size_t(outputs) * terms, 2, kWeightScale);
  const auto right = reference::conv2d(
      {.x = shape, .y = shape.with_channels(outputs), .kernel = 3, .stride = 1, .before = 1},
      widened(x), widened(weight), {});
  for_each_kernel([&](DType element, std::string_view kernel) {
    OpRun run(element, kernel);
    run.pretend(DeviceKind::discrete);
    const auto actual = run.run(conv2d(
        run.input(shape, x), run.weight({outputs, shape.channels, 3, 3}, weight), Tensor{}, {}));
    const bool divides =
        kernel == "matmul/matmul_matrix" || kernel.starts_with("matmul/matmul_tiled");
    if (runs_kernel(run.plan(), kernel)) {
      EXPECT_EQ(runs_kernel(run.plan(), "matmul/sum_parts"), divides);
    }
    expect_close(actual, right, element, product_error(kernel, element, terms));
  });
}

TEST(Tiles, OfTheTablesDivideTheSumsOfSmallPictures) {
  expect_divided_right({1, 8, 8, 1280}, 132);
  expect_divided_right({1, 16, 16, 640}, 64);
}

// The bound is that of attention_test.cpp for scores of the size that these have.
void expect_attention_right(std::uint32_t queries, std::uint32_t keys, std::uint32_t head,
                            bool causal, const std::vector<DType>& elements) {
  constexpr std::uint32_t kHeads = 2;
  constexpr float kScale = 2.0f;
  const Shape shape{1, 1, queries, kHeads * head}, context{1, 1, keys, kHeads * head};
  const auto q = numbers(shape.elements(), 1, kScale), k = numbers(context.elements(), 2, kScale);
  const auto v = numbers(context.elements(), 3);
  const double score = kScale * kScale / 3.0;
  const double bound = (3.0 + 20.0 * score) * 0x1p-23 +
                       6.0 * 0x1p-24 * ((score + 1.0) * std::sqrt(head) + std::sqrt(keys));
  const Subject subject{.record =
                            [&](OpRun& run) {
                              return attention(run.input(shape, q), run.input(context, k),
                                               run.input(context, v), kHeads, causal);
                            },
                        .right = reference::attention(widened(q), shape, widened(k), widened(v),
                                                      context, kHeads, causal),
                        .error =
                            [=](std::string_view kernel, DType) {
                              // Its weights are in 16 bits, as in attention_test.cpp.
                              const bool halves = kernel == "attention/attention_matrix";
                              return bound + (halves ? 0x1p-10 + 0x1p-24 * keys : 0.0);
                            }};
  EXPECT_GT(expect_every_choice_right(subject, elements).size(), 2u);
}

TEST(Tiles, OfAttentionAgreeWithDouble) {
  expect_attention_right(70, 77, 40, false, element_types());
  // Each type once more: a tile's compilation takes longer than its run.
  expect_attention_right(133, 133, 64, true, {DType::f32});
  expect_attention_right(37, 61, 160, false, {element_types().back()});
}

}  // namespace
}  // namespace kiln::test
