// Every tile of every kernel against double: those that kiln tune may choose on CPUs and on GPUs.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
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

// Choices of this device, and those of a GPU that had its limits. Returns how many were run.
std::size_t expect_every_choice_right(const Subject& subject,
                                      const std::vector<DType>& elements = element_types()) {
  std::size_t runs = 0;
  for (const DType element : elements) {
    std::set<std::pair<std::string, std::string>> seen;
    for (const DeviceKind kind : {device_profile().kind, DeviceKind::discrete}) {
      OpRun first(element);
      first.pretend(kind);
      const Plan plan = first.compiled(subject.record(first));
      for (const KernelChoice& choice : plan.problems.at(0).choices(first.device())) {
        if (!seen.emplace(choice.kernel, choice.tile).second) continue;
        SCOPED_TRACE(choice.kernel + ' ' + choice.tile + ' ' + std::string(to_text(element)));
        OpRun run(element, choice);
        run.pretend(kind);
        const std::vector<float> actual = run.run(subject.record(run));
        EXPECT_EQ(run.plan().dispatches.back().kernel->name, choice.kernel);
        expect_close(actual, subject.right, element, subject.error(choice.kernel, element));
        ++runs;
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
  EXPECT_GT(expect_every_choice_right(subject), 10u);
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
  EXPECT_GT(expect_every_choice_right(subject, {DType::f32}), 10u);
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
  EXPECT_GT(expect_every_choice_right(subject, elements), 2u);
}

TEST(Tiles, OfAttentionAgreeWithDouble) {
  expect_attention_right(70, 77, 40, false, element_types());
  // Each type once more: a tile's compilation takes longer than its run.
  expect_attention_right(133, 133, 64, true, {DType::f32});
  expect_attention_right(37, 61, 160, false, {element_types().back()});
}

}  // namespace
}  // namespace kiln::test
