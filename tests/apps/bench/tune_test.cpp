// Problems from plans, named as kiln bench names them, and what is chosen for one.
#include "apps/kiln/tune_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "apps/kiln/bench_shapes.h"
#include "runtime/ops/ops.h"

namespace kiln::app {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

Plan plan_of(const std::vector<BenchProblem>& problems, const DeviceProfile& device) {
  Graph graph("tune", DType::f32);
  for (std::size_t p = 0; p < problems.size(); ++p) {
    const auto name = [&](const char* kind, std::size_t i) {
      return std::to_string(p) + kind + std::to_string(i);
    };
    std::vector<Tensor> inputs, weights;
    for (std::size_t i = 0; i < problems[p].inputs.size(); ++i) {
      inputs.push_back(graph.persistent(name("x", i), problems[p].inputs[i], DType::f32));
    }
    for (std::size_t i = 0; i < problems[p].weights.size(); ++i) {
      weights.push_back(graph.constant(
          {.name = name("w", i), .dims = problems[p].weights[i], .dtype = DType::f32, .read = {}}));
    }
    graph.keep(problems[p].record(inputs, weights, "problem"), name("y", 0));
  }
  return compile(graph, device);
}

DeviceProfile made_up() {
  DeviceProfile device;
  device.max_storage_buffers = 8;
  device.max_binding_bytes = 1ull << 40;
  device.max_workgroup_invocations = 1024;
  device.max_workgroup_size = {1024, 1024, 64};
  device.max_shared_bytes = 49152;
  return device;
}

TEST(TuneProblems, AreNamedAsBenchNamesThem) {
  for (const BenchSet& set : bench_sets()) {
    for (const BenchShape& shape : set.shapes()) {
      const std::string_view group = shape.problem.group();
      if (group == "norm" || group == "elementwise") continue;
      const auto found = tune_problems({plan_of({shape.problem}, made_up())}, made_up());
      ASSERT_THAT(found, SizeIs(1)) << shape.problem.name();
      EXPECT_EQ(found[0].problem.flops(), shape.problem.flops());
      EXPECT_EQ(found[0].problem.group(), group);
      // A 1x1 convolution is a product.
      if (shape.problem.name().ends_with(" k1")) continue;
      EXPECT_EQ(found[0].name, std::string(group) + ' ' + shape.problem.name() + " F32");
      EXPECT_EQ(found[0].problem.name(), shape.problem.name());
    }
  }
}

TEST(TuneProblems, AreCountedAndTheHeaviestComesFirst) {
  const BenchProblem light = problem_from_name("matmul", "16x16x16");
  const BenchProblem heavy = problem_from_name("conv", "1x8x8x16->16");
  const BenchProblem other = problem_from_name("norm", "layer_norm 1x1x16x32");
  const Plan plan = plan_of({light, heavy, other, light, light}, made_up());
  const auto problems = tune_problems({plan, plan}, made_up());
  ASSERT_THAT(problems, SizeIs(2));
  EXPECT_EQ(problems[0].name, "conv 1x8x8x16->16 F32");
  EXPECT_EQ(problems[0].count, 2u);
  EXPECT_EQ(problems[1].name, "matmul 16x16x16 F32");
  EXPECT_EQ(problems[1].count, 6u);
  for (const TuneProblem& problem : problems) EXPECT_GT(problem.choices.size(), 1u);
}

TEST(TuneProblems, WithoutAChoiceAreLeftOut) {
  DeviceProfile device = made_up();
  device.avoided_kernels = {"matmul/matmul_tiled", "matmul/matmul"};
  const Plan plan = plan_of({problem_from_name("attention", "1x1x16x16x8")}, device);
  EXPECT_THAT(tune_problems({plan}, device), SizeIs(1));
  device.max_shared_bytes = 1;  // now nothing serves it
  EXPECT_THAT(tune_problems({plan}, device), IsEmpty());
}

TEST(Tune, ChoosesTheUsualOneOrAFasterOne) {
  OpenDevice device;
  const DeviceProfile& profile = device.profile();
  const Plan plan =
      plan_of({problem_from_name("matmul", "64x64x64"), problem_from_name("conv", "1x8x8x32->32"),
               problem_from_name("attention", "1x2x32x32x8")},
              profile);
  for (const TuneProblem& problem : tune_problems({plan}, profile)) {
    SCOPED_TRACE(problem.name);
    const TuneResult result = tune(device, problem);
    EXPECT_THAT(result.failures, IsEmpty());
    EXPECT_EQ(result.usual, problem.choices.front());
    EXPECT_NE(std::find(problem.choices.begin(), problem.choices.end(), result.best),
              problem.choices.end());
    EXPECT_GT(result.usual_ms, 0);
    EXPECT_GT(result.best_ms, 0);
    EXPECT_LE(result.best_ms, result.usual_ms);
    EXPECT_TRUE(result.is_usual() || result.best_ms <= kWorthwhile * result.usual_ms);
  }
  EXPECT_EQ(device.validation_messages(), 0u);
}

TEST(Tune, TellsOfWhatCannotBeUsedAndTakesAnother) {
  OpenDevice device;
  auto problems = tune_problems(
      {plan_of({problem_from_name("matmul", "64x64x64")}, device.profile())}, device.profile());
  ASSERT_THAT(problems, SizeIs(1));
  problems[0].choices = {{"norm/layer_norm", {}}, {"matmul/matmul", {}}};
  const TuneResult result = tune(device, problems[0]);
  ASSERT_THAT(result.failures, SizeIs(1));
  EXPECT_THAT(result.failures[0], HasSubstr("layer_norm does not serve it"));
  EXPECT_EQ(result.best.kernel, "matmul/matmul");
  EXPECT_EQ(result.usual_ms, 0);
  EXPECT_GT(result.best_ms, 0);
}

}  // namespace
}  // namespace kiln::app
