// What was tuned decides where it can: names of problems, choices obeyed and passed over.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <set>
#include <string>

#include "runtime/graph/plan.h"
#include "runtime/ops/ops.h"
#include "tests/device/made_up.h"

namespace kiln {
namespace {

using testing::ElementsAre;
using Recorder = std::function<Tensor(Graph& graph)>;

DeviceProfile desktop() {
  DeviceProfile device = test::made_up_desktop();
  device.features = ~0u;
  device.matrix_shapes = {{16, 16, 16}};
  return device;
}

DeviceProfile phone() {
  DeviceProfile device = desktop();
  device.kind = DeviceKind::integrated;
  device.max_workgroup_invocations = 128;
  device.max_workgroup_size = {128, 128, 64};
  device.max_shared_bytes = 16384;
  device.subgroup_size = device.min_subgroup_size = device.max_subgroup_size = 16;
  device.matrix_shapes = {};
  return device;
}

DeviceProfile cpu() {
  DeviceProfile device = desktop();
  device.kind = DeviceKind::cpu;
  device.subgroup_size = device.min_subgroup_size = device.max_subgroup_size = 8;
  device.max_shared_bytes = 32768;
  device.matrix_shapes = {{8, 8, 8}};
  return device;
}

Recorder linear_of(std::uint32_t rows, std::uint32_t outputs, std::uint32_t inputs) {
  return [=](Graph& graph) {
    const Tensor x = graph.persistent("x", {1, 1, rows, inputs}, graph.element());
    return linear(
        x,
        graph.constant({.name = "w", .dims = {outputs, inputs}, .dtype = DType::f32, .read = {}}),
        {});
  };
}

Recorder conv_of(Shape shape, std::int64_t outputs, std::int64_t kernel, Conv2d how) {
  return [=](Graph& graph) {
    const Tensor x = graph.persistent("x", shape, graph.element());
    const std::vector<std::int64_t> dims = {outputs, std::int64_t(shape.channels), kernel, kernel};
    return conv2d(x, graph.constant({.name = "w", .dims = dims, .dtype = DType::f32, .read = {}}),
                  {}, how);
  };
}

Recorder attention_of(Shape shape, std::uint32_t keys, std::uint32_t heads, bool causal) {
  return [=](Graph& graph) {
    const Tensor q = graph.persistent("q", shape, graph.element());
    const Tensor k = graph.persistent("k", {shape.batch, 1, keys, shape.channels}, graph.element());
    return attention(q, k, k, heads, causal);
  };
}

Plan plan_of(const Recorder& record, const DeviceProfile& device, DType element = DType::f16,
             const KernelChoice& wanted = {}) {
  Graph graph("tuned", element);
  graph.keep(record(graph), "y");
  return compile(graph, device, wanted);
}

std::string name_of(const Recorder& record, DType element = DType::f16) {
  const Plan plan = plan_of(record, desktop(), element);
  EXPECT_EQ(plan.problems.size(), 1u);
  return plan.problems.at(0).name;
}

TEST(TunedKernels, ProblemsAreCalledByTheirSizes) {
  EXPECT_EQ(name_of(linear_of(8192, 320, 1280)), "matmul 8192x320x1280 F16");
  EXPECT_EQ(name_of(conv_of({2, 64, 48, 320}, 640, 1, {})), "matmul 6144x640x320 F16");
  EXPECT_EQ(name_of(conv_of({2, 64, 48, 320}, 640, 3, {}), DType::f32),
            "conv 2x64x48x320->640 F32");
  EXPECT_EQ(name_of(conv_of({2, 64, 48, 320}, 320, 3, {.stride = 2})),
            "conv 2x64x48x320->320 s2 F16");
  const Conv2d corner{.stride = 2, .padding = Conv2d::Padding::right_bottom};
  EXPECT_EQ(name_of(conv_of({1, 64, 48, 128}, 128, 3, corner)),
            "conv 1x64x48x128->128 s2 right_bottom F16");
  EXPECT_EQ(name_of(conv_of({1, 8, 8, 32}, 32, 1, {.stride = 2})), "conv 1x8x8x32->32 k1 s2 F16");
  EXPECT_EQ(name_of(attention_of({2, 64, 64, 320}, 77, 8, false)), "attention 2x8x4096x77x40 F16");
  EXPECT_EQ(name_of(attention_of({2, 1, 77, 768}, 77, 12, true)),
            "attention 2x12x77x77x64 causal F16");
}

const Recorder kProduct = linear_of(4096, 320, 320);
constexpr const char* kName = "matmul 4096x320x320 F16";

bool runs_kernel(const Plan& plan, std::string_view kernel) {
  return std::any_of(plan.dispatches.begin(), plan.dispatches.end(),
                     [&](const Dispatch& dispatch) { return dispatch.kernel->name == kernel; });
}

const Dispatch& first_dispatch(const Plan& plan) { return plan.dispatches.at(0); }

TEST(TunedKernels, AChoiceIsObeyed) {
  DeviceProfile device = desktop();
  device.tuned_kernels[kName] = {"matmul/matmul_tiled", "16x8x1"};
  const Plan plan = plan_of(kProduct, device);
  EXPECT_EQ(first_dispatch(plan).kernel->name, "matmul/matmul_tiled");
  EXPECT_THAT(std::vector(first_dispatch(plan).constants.begin(),
                          first_dispatch(plan).constants.begin() + 3),
              ElementsAre(16, 8, 1));
  // Without a tile: that of the table.
  device.tuned_kernels[kName] = {"matmul/matmul", {}};
  EXPECT_EQ(first_dispatch(plan_of(kProduct, device)).kernel->name, "matmul/matmul");
}

TEST(TunedKernels, OtherProblemsAreLeftAsTheyWere) {
  DeviceProfile device = desktop();
  device.tuned_kernels[kName] = {"matmul/matmul", {}};
  for (const DType element : {DType::f32, DType::f16}) {
    const Recorder other = linear_of(4096, 324, 320);
    EXPECT_EQ(first_dispatch(plan_of(other, device, element)).kernel,
              first_dispatch(plan_of(other, desktop(), element)).kernel);
  }
  EXPECT_NE(first_dispatch(plan_of(kProduct, device, DType::f32)).kernel->name, "matmul/matmul");
}

TEST(TunedKernels, WhatIsWantedByNameGoesFirst) {
  DeviceProfile device = desktop();
  device.tuned_kernels[kName] = {"matmul/matmul", {}};
  const Plan plan = plan_of(kProduct, device, DType::f16, {"matmul/matmul_tiled", {}});
  EXPECT_EQ(first_dispatch(plan).kernel->name, "matmul/matmul_tiled");
}

TEST(TunedKernels, AnImpossibleChoiceIsPassedOver) {
  const Plan usual = plan_of(kProduct, desktop());
  const KernelChoice impossible[] = {
      {"matmul/matmul_tiled", "7x7x7"},   // no such tile
      {"matmul/winograd", {}},            // does not fit the problem
      {"matmul/matmul_broadcast", "16"},  // nor the device
      {"attention/attention_tiled", {}},  // another operation's
      {"matmul/no_such_kernel", {}},     {{}, {}},
  };
  for (const KernelChoice& choice : impossible) {
    SCOPED_TRACE(choice.kernel + ' ' + choice.tile);
    DeviceProfile device = desktop();
    device.tuned_kernels[kName] = choice;
    const Plan plan = plan_of(kProduct, device);
    EXPECT_EQ(first_dispatch(plan).kernel, first_dispatch(usual).kernel);
    EXPECT_EQ(first_dispatch(plan).constants, first_dispatch(usual).constants);
  }
}

TEST(TunedKernels, AKernelToBeAvoidedIsNotUsedThoughTuned) {
  DeviceProfile device = desktop();
  device.tuned_kernels[kName] = {"matmul/matmul", {}};
  device.avoided_kernels = {"matmul/matmul"};
  const Plan plan = plan_of(kProduct, device);
  EXPECT_EQ(first_dispatch(plan).kernel, first_dispatch(plan_of(kProduct, desktop())).kernel);
}

// A tile that breaks a limit of the device, such as its shared memory, is an error of compile().
TEST(TunedKernels, EveryChoiceOfferedIsLegal) {
  const Recorder problems[] = {linear_of(4096, 320, 320),
                               linear_of(154, 320, 768),
                               linear_of(2, 1280, 1280),
                               linear_of(64, 4, 36),
                               conv_of({2, 32, 32, 320}, 640, 3, {}),
                               conv_of({2, 16, 16, 4}, 320, 3, {}),
                               conv_of({2, 8, 8, 1280}, 1280, 3, {}),
                               linear_of(128, 1280, 5120),
                               attention_of({2, 64, 64, 320}, 4096, 8, false),
                               attention_of({1, 64, 64, 512}, 4096, 1, false),
                               attention_of({2, 1, 77, 768}, 77, 12, true)};
  for (const DeviceProfile& device : {desktop(), phone(), cpu()}) {
    for (const Recorder& record : problems) {
      for (const DType element : {DType::f32, DType::f16}) {
        const Plan usual = plan_of(record, device, element);
        SCOPED_TRACE(usual.problems.at(0).name);
        const auto choices = usual.problems.at(0).choices(device);
        std::set<std::pair<std::string, std::string>> seen;
        for (const KernelChoice& choice : choices) {
          SCOPED_TRACE(choice.kernel + ' ' + choice.tile);
          EXPECT_TRUE(seen.emplace(choice.kernel, choice.tile).second);
          const Plan plan = plan_of(record, device, element, choice);
          EXPECT_TRUE(runs_kernel(plan, choice.kernel));
          if (choice != choices.front()) continue;
          EXPECT_EQ(first_dispatch(plan).kernel, first_dispatch(usual).kernel);
          EXPECT_EQ(first_dispatch(plan).constants, first_dispatch(usual).constants);
          EXPECT_EQ(plan.dispatches.size(), usual.dispatches.size());
        }
      }
    }
  }
}

}  // namespace
}  // namespace kiln
