// Token embeddings, whole and in parts, and timestep embeddings.
#include <gtest/gtest.h>

#include "runtime/base/error.h"
#include "runtime/ops/ops.h"
#include "runtime/reference/embedding.h"
#include "tests/device/run_op.h"

namespace kiln::test {
namespace {

struct Case {
  std::uint32_t batch, tokens, vocabulary, channels;
};

// Runs with at most `rows` rows of the table in one binding. Returns the number of dispatches.
std::size_t run_tokens(const Case& test, DType element, std::uint64_t rows) {
  std::vector<std::uint32_t> ids;
  for (std::uint32_t i = 0; i < test.batch * test.tokens; ++i) {
    ids.push_back(i * 7919u % test.vocabulary);
  }
  ids[0] = test.vocabulary - 1;
  ids[1] = test.vocabulary;  // beyond the table
  ids.back() = 0xffffffffu;
  const auto table = numbers(std::size_t(test.vocabulary) * test.channels, 1);
  const auto positions = numbers(std::size_t(test.tokens) * test.channels, 2);
  OpRun run(element);
  if (rows != 0) run.limit_binding_bytes(rows * test.channels * size_bytes(element));
  const Tensor result = token_embedding(run.input_u32({test.batch, 1, test.tokens, 1}, ids),
                                        run.weight({test.vocabulary, test.channels}, table),
                                        run.weight({test.tokens, test.channels}, positions));
  expect_close(run.run(result),
               reference::token_embedding(ids, widened(table), widened(positions), test.tokens,
                                          test.channels),
               element, 0.0);
  return run.plan().dispatches.size();
}

TEST(TokenEmbedding, AddsThePositionToTheRowOfTheTable) {
  for (const DType element : element_types()) {
    for (const Case& test : {Case{2, 77, 1000, 768}, Case{3, 11, 97, 13}, Case{1, 3, 5, 4}}) {
      EXPECT_EQ(run_tokens(test, element, 0), 1u);
    }
  }
}

TEST(TokenEmbedding, ReadsATableBeyondTheLargestBindingInParts) {
  for (const DType element : element_types()) {
    EXPECT_EQ(run_tokens({1, 7, 100, 16}, element, 33), 4u);
    EXPECT_EQ(run_tokens({2, 3, 101, 5}, element, 50), 3u);
  }
}

TEST(TokenEmbedding, RefusesMoreTokensThanPositions) {
  OpRun run(DType::f32);
  const Tensor ids = run.input_u32({1, 1, 5, 1}, {0, 1, 2, 3, 4});
  const Tensor table = run.weight({10, 4}, numbers(40, 1));
  EXPECT_THROW(token_embedding(ids, table, run.weight({4, 4}, numbers(16, 2))), Error);
  EXPECT_THROW(token_embedding(ids, table, run.weight({5, 3}, numbers(15, 2))), Error);
}

TEST(TimestepEmbedding, AgreesWithTheRoundingOfPytorch) {
  const std::vector<float> timesteps = {0.0f, 1.0f, 999.0f, 981.0f, 500.25f, 1.7f, 9999.0f, 333.3f};
  for (const DType element : element_types()) {
    for (const std::uint32_t channels : {320u, 256u, 2u, 32u, 1280u, 14u}) {
      SCOPED_TRACE(channels);
      OpRun run(element);
      const Tensor result = timestep_embedding(run.input_f32({8, 1, 1, 1}, timesteps), channels);
      EXPECT_EQ(result.shape(), (Shape{8, 1, 1, channels}));
      expect_close(run.run(result), reference::timestep_embedding(timesteps, channels), element,
                   3e-7);
    }
  }
}

TEST(TimestepEmbedding, PutsSeveralNumbersOfAnImageOneAfterAnother) {
  const std::vector<float> sizes = {1024.0f, 768.0f, 0.0f, 16.0f, 512.0f, 640.0f};
  OpRun run(DType::f32);
  const Tensor result = timestep_embedding(run.input_f32({2, 1, 1, 3}, sizes), 256);
  EXPECT_EQ(result.shape(), (Shape{2, 1, 1, 768}));
  expect_close(run.run(result), reference::timestep_embedding(sizes, 256), DType::f32, 3e-7);
}

TEST(TimestepEmbedding, RefusesAnOddNumberOfChannels) {
  OpRun run(DType::f32);
  EXPECT_THROW(timestep_embedding(run.input_f32({1, 1, 1, 1}, {1.0f}), 5), Error);
}

}  // namespace
}  // namespace kiln::test
