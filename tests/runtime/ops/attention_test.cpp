// Attention against double, and its behaviour at the edges of its range.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "runtime/base/error.h"
#include "runtime/ops/attention_candidates.h"
#include "runtime/ops/device_class.h"
#include "runtime/ops/ops.h"
#include "runtime/reference/attention.h"
#include "runtime/reference/cases/attention.h"
#include "tests/runtime/ops/candidates_test.h"

namespace kiln::test {
namespace {

using cases::AttentionCase;

constexpr float kQueryScale = 2.0f;

template <typename Body>
void for_each_kernel(const Body& body) {
  for_each_candidate(attention_candidates(), body);
}

Shape q_shape(const AttentionCase& test) {
  return {test.batch, 1, test.queries, test.heads * test.head_size};
}

Shape kv_shape(const AttentionCase& test) {
  return {test.batch, 1, test.keys, test.heads * test.head_size};
}

struct Operands {
  std::vector<float> q, k, v;
};

Operands operands(const AttentionCase& test, float query_scale = kQueryScale) {
  return {numbers(q_shape(test).elements(), 1, query_scale),
          numbers(kv_shape(test).elements(), 2, kQueryScale),
          numbers(kv_shape(test).elements(), 3)};
}

Tensor record(OpRun& run, const AttentionCase& test, const Operands& of) {
  return attention(run.input(q_shape(test), of.q), run.input(kv_shape(test), of.k),
                   run.input(kv_shape(test), of.v), test.heads, test.causal);
}

std::vector<double> expected(const AttentionCase& test, const Operands& of) {
  return reference::attention(widened(of.q), q_shape(test), widened(of.k), widened(of.v),
                              kv_shape(test), test.heads, test.causal);
}

// Values are at most 1, so the result errs by at most the sum over keys of the weights' errors,
// relative to each weight: of exp as Vulkan allows it, 3 + 2 |x| units for the distance |x| of a
// score from the greatest one, of the score itself (d roundings, six standard deviations), and of
// the sums over keys.
double float_error(const AttentionCase& test, double query_scale = kQueryScale) {
  const double d = test.head_size;
  const double score =
      query_scale * kQueryScale / 3.0;  // root mean square; the greatest is 5 times
  const double exponential = (3.0 + 2.0 * 10.0 * score) * 0x1p-23;
  const double products = 6.0 * 0x1p-24 * (score + 1.0) * std::sqrt(d);
  return exponential + products + 6.0 * 0x1p-24 * std::sqrt(double(test.keys));
}

// What weights in 16 bits add: each truncated, and what the smallest ones lose.
double share_error(const AttentionCase& test, std::string_view kernel) {
  return kernel == "attention/attention_matrix" ? 0x1p-10 + 0x1p-24 * test.keys : 0.0;
}

TEST(Attention, AgreesWithDouble) {
  for (const AttentionCase& test : cases::kAttention) {
    SCOPED_TRACE(to_text(test));
    const Operands of = operands(test);
    const auto right = expected(test, of);
    for_each_kernel([&](DType element, std::string_view kernel) {
      OpRun run(element, kernel);
      expect_close(run.run(record(run, test, of)), right, element,
                   float_error(test) + share_error(test, kernel));
    });
  }
}

TEST(Attention, ReachesEveryKernel) {
  const auto make = [](OpRun& run, std::size_t index) {
    const AttentionCase& test = cases::kAttention[index];
    return record(run, test, operands(test));
  };
  expect_every_candidate_chosen(attention_candidates(), std::size(cases::kAttention), make);
}

// q, k and v as rows of one tensor, in turn.
Tensor record_stacked(OpRun& run, const AttentionCase& test, const Operands& of) {
  const Shape apart = q_shape(test);
  std::vector<float> rows;
  for (std::size_t first = 0; first < apart.elements(); first += apart.channels) {
    for (const std::vector<float>* part : {&of.q, &of.k, &of.v}) {
      const auto begin = part->begin() + std::ptrdiff_t(first);
      rows.insert(rows.end(), begin, begin + apart.channels);
    }
  }
  const Shape stacked = apart.with_channels(3 * apart.channels);
  return self_attention(run.input(stacked, rows), test.heads, test.causal);
}

// It reads three tensors only.
constexpr std::string_view kOfThreeTensors = "attention/attention_broadcast";

template <typename Body>
void for_each_kernel_of_one_tensor(const Body& body) {
  for_each_kernel([&](DType element, std::string_view kernel) {
    if (kernel != kOfThreeTensors) body(element, kernel);
  });
}

// What networks have, in small, and primes.
constexpr AttentionCase kOneTensor[] = {
    {2, 77, 77, 2, 64, true}, {1, 67, 67, 1, 512, false}, {2, 67, 67, 3, 40, false},
    {2, 67, 67, 3, 13, true}, {1, 37, 37, 2, 1, true},
};

TEST(SelfAttention, GivesTheBytesOfThreeTensors) {
  for (const AttentionCase& test : kOneTensor) {
    SCOPED_TRACE(to_text(test));
    const Operands of = operands(test);
    const auto right = expected(test, of);
    for_each_kernel_of_one_tensor([&](DType element, std::string_view kernel) {
      OpRun apart(element, kernel), stacked(element, kernel);
      const auto actual = stacked.run(record_stacked(stacked, test, of));
      EXPECT_EQ(actual, apart.run(record(apart, test, of)));
      expect_close(actual, right, element, float_error(test) + share_error(test, kernel));
    });
  }
}

TEST(SelfAttention, ReachesEveryKernel) {
  const auto make = [](OpRun& run, std::size_t index) {
    return record_stacked(run, kOneTensor[index], operands(kOneTensor[index]));
  };
  expect_every_candidate_chosen(attention_candidates(), std::size(kOneTensor), make,
                                kOfThreeTensors);
}

TEST(SelfAttention, IsNotForTheKernelOfVectorsOnACpu) {
  DeviceProfile cpu;
  cpu.kind = DeviceKind::cpu;
  cpu.features = ~0u;
  ASSERT_TRUE(is_vector_cpu(cpu));
  AttentionProblem problem{.queries = 64, .keys = 64, .heads = 2, .head = 40};
  const auto serves = [&](std::string_view kernel) {
    const auto choices = choices_among(attention_candidates(), cpu, DType::f32, problem);
    return std::any_of(choices.begin(), choices.end(),
                       [&](const KernelChoice& choice) { return choice.kernel == kernel; });
  };
  EXPECT_TRUE(serves(kOfThreeTensors));
  problem.operands = AttentionProblem::Operands::stacked;
  EXPECT_FALSE(serves(kOfThreeTensors));
  EXPECT_TRUE(serves("attention/attention"));
}

TEST(SelfAttention, SplitsLongWorkIntoBandsOfTheSameBytes) {
  const AttentionCase test = {2, 300, 300, 2, 8, true};
  const Operands of = operands(test);
  for_each_kernel_of_one_tensor([&](DType element, std::string_view kernel) {
    OpRun whole(element, kernel), split(element, kernel);
    const auto at_once = whole.run(record_stacked(whole, test, of));
    split.limit_dispatch_flops(whole.plan().flops() / 3);
    EXPECT_EQ(split.run(record_stacked(split, test, of)), at_once);
    EXPECT_GT(split.plan().dispatches.size(), whole.plan().dispatches.size());
  });
}

TEST(SelfAttention, RefusesChannelsThatDoNotDivide) {
  OpRun run(DType::f32);
  EXPECT_THROW(self_attention(run.input({1, 1, 2, 8}, numbers(16, 1)), 1), Error);
  EXPECT_THROW(self_attention(run.input({1, 1, 2, 24}, numbers(48, 2)), 3), Error);
  EXPECT_THROW(self_attention(run.input({1, 1, 2, 24}, numbers(48, 3)), 0), Error);
}

TEST(Attention, StaysFiniteWhereScoresAreHuge) {
  const AttentionCase test = {1, 33, 65, 2, 40, false};
  Operands of = operands(test);
  for (float& value : of.q) value *= 1024.0f;  // scores of size 10^4: one key takes all
  for_each_kernel([&](DType element, std::string_view kernel) {
    OpRun run(element, kernel);
    const auto actual = run.run(record(run, test, of));
    EXPECT_TRUE(std::all_of(actual.begin(), actual.end(),
                            [](float value) { return std::abs(value) <= 1.0f; }));
  });
}

TEST(Attention, AveragesTheValuesWhereScoresAreEqual) {
  const AttentionCase test = {1, 9, 64, 1, 8, false};
  Operands of = operands(test);
  std::fill(of.q.begin(), of.q.end(), 0.0f);
  for_each_kernel([&](DType element, std::string_view kernel) {
    OpRun run(element, kernel);
    expect_close(run.run(record(run, test, of)), expected(test, of), element, 8.0 * 0x1p-24);
  });
}

TEST(Attention, ShowsAFirstTokenOnlyItselfWhenCausal) {
  const AttentionCase test = {2, 13, 13, 3, 16, true};
  const Operands of = operands(test);
  for_each_kernel([&](DType element, std::string_view kernel) {
    OpRun run(element, kernel);
    const auto actual = run.run(record(run, test, of));
    const std::size_t image = kv_shape(test).elements() / test.batch;
    for (std::size_t i = 0; i < test.batch * image; i += image) {
      for (std::size_t c = 0; c < kv_shape(test).channels; ++c) {
        EXPECT_EQ(actual[i + c], of.v[i + c]) << i << " " << c;
      }
    }
  });
}

TEST(Attention, GivesAnImageTheSameBytesAloneAndInABatch) {
  const AttentionCase pair = {2, 37, 29, 2, 24, false};
  AttentionCase alone = pair;
  alone.batch = 1;
  const Operands of = operands(pair);
  const auto last = [](const std::vector<float>& both) {
    return std::vector<float>(both.begin() + std::ptrdiff_t(both.size() / 2), both.end());
  };
  for_each_kernel([&](DType element, std::string_view kernel) {
    OpRun both(element, kernel), one(element, kernel);
    EXPECT_EQ(one.run(record(one, alone, {last(of.q), last(of.k), last(of.v)})),
              last(both.run(record(both, pair, of))));
  });
}

TEST(Attention, SplitsLongWorkIntoBandsOfTheSameBytes) {
  for (const bool causal : {false, true}) {
    const AttentionCase test = {2, 300, 300, 2, 8, causal};
    const Operands of = operands(test);
    for_each_kernel([&](DType element, std::string_view kernel) {
      OpRun whole(element, kernel), split(element, kernel);
      const auto at_once = whole.run(record(whole, test, of));
      split.limit_dispatch_flops(whole.plan().flops() / 3);
      EXPECT_EQ(split.run(record(split, test, of)), at_once);
      EXPECT_GT(split.plan().dispatches.size(), whole.plan().dispatches.size());
      EXPECT_EQ(split.plan().flops(), whole.plan().flops());
    });
  }
}

// Some drivers stop loops after a number of turns and go on with what was summed so far.
TEST(Attention, OverVeryManyKeysIsRightOrRefused) {
  for_each_kernel([&](DType element, std::string_view kernel) {
    if (element != DType::f32) return;
    // A kernel that shares tiles works for many queries, whether or not they are there.
    const std::uint32_t part = kernel == "attention/attention" ? 1 : 8;
    for (const AttentionCase& test : {AttentionCase{1, 1, 300'000 / part, 1, 4, false},
                                      AttentionCase{1, 1, 12'000 / part, 1, 512, false}}) {
      SCOPED_TRACE(to_text(test));
      Operands of = operands(test);
      std::fill(of.q.begin(), of.q.end(), 0.0f);
      const std::size_t half = of.v.size() / 2;
      std::fill(of.v.begin(), of.v.begin() + std::ptrdiff_t(half), 0.0f);
      std::fill(of.v.begin() + std::ptrdiff_t(half), of.v.end(), 1.0f);
      OpRun run(DType::f32, kernel);
      const Tensor result = record(run, test, of);
      try {
        const auto actual = run.run(result);
        const auto [least, most] = std::minmax_element(actual.begin(), actual.end());
        EXPECT_NEAR(*least, 0.5, 1e-3);
        EXPECT_NEAR(*most, 0.5, 1e-3);
      } catch (const Error& error) {
        EXPECT_THAT(error.what(), testing::HasSubstr("turns of a loop"));
      }
    }
  });
}

TEST(Attention, RefusesOperandsThatDoNotFit) {
  OpRun run(DType::f32);
  const Tensor q = run.input({1, 1, 2, 8}, numbers(16, 1));
  const Tensor wide = run.input({1, 1, 2, 12}, numbers(24, 2));
  const Tensor longer = run.input({1, 1, 3, 8}, numbers(24, 3));
  EXPECT_THROW(attention(q, q, q, 3), Error);
  EXPECT_THROW(attention(q, wide, wide, 2), Error);
  EXPECT_THROW(attention(q, q, longer, 2), Error);
}

}  // namespace
}  // namespace kiln::test
