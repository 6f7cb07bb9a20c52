// Which kernels made-up devices get: chosen by facts, never by names.
#include <gtest/gtest.h>

#include <string>

#include "runtime/graph/plan.h"
#include "runtime/ops/attention_tuning.h"
#include "runtime/ops/ops.h"
#include "runtime/ops/tuning.h"
#include "tests/device/made_up.h"

namespace kiln {
namespace {

using test::made_up_desktop;

std::string kernel_of(const DeviceProfile& device, DType element, std::uint32_t rows,
                      std::uint32_t inputs) {
  Graph graph("choice", element);
  const Tensor x = graph.persistent("x", {1, 1, rows, inputs}, element);
  const Tensor weight =
      graph.constant({.name = "w", .dims = {320, inputs}, .dtype = DType::f32, .read = {}});
  graph.keep(linear(x, weight, {}), "y");
  return std::string(compile(graph, device).dispatches.at(0).kernel->name);
}

std::string attention_of(const DeviceProfile& device, std::uint32_t head,
                         std::uint32_t queries = 4096) {
  Graph graph("choice", DType::f16);
  const Tensor x = graph.persistent("x", {1, 1, queries, head}, DType::f16);
  graph.keep(attention(x, x, x, 1), "y");
  return std::string(compile(graph, device).dispatches.at(0).kernel->name);
}

TEST(KernelChoice, TilesInSharedMemoryServeADesktopGpu) {
  EXPECT_EQ(kernel_of(made_up_desktop(), DType::f16, 4096, 320), "matmul/matmul_tiled");
  EXPECT_EQ(kernel_of(made_up_desktop(), DType::f32, 4096, 320), "matmul/matmul_tiled");
}

TEST(KernelChoice, PairsAreUsedWhereTheyAreOneInstruction) {
  DeviceProfile device = made_up_desktop();
  device.features |= kNeedMixedDot;
  EXPECT_EQ(kernel_of(device, DType::f16, 4096, 320), "matmul/matmul_tiled_dot");
  EXPECT_EQ(kernel_of(device, DType::f32, 4096, 320), "matmul/matmul_tiled");
}

TEST(KernelChoice, MatrixUnitsServe16BitsOnly) {
  DeviceProfile device = made_up_desktop();
  device.features |= kNeedMixedDot | kNeedCooperativeMatrix;
  device.matrix_shapes = {{16, 16, 16, DType::f16, DType::f16}, {16, 16, 16}};
#ifdef KILN_MATRIX_KERNELS
  EXPECT_EQ(kernel_of(device, DType::f16, 4096, 320), "matmul/matmul_matrix");
#endif
  EXPECT_EQ(kernel_of(device, DType::f32, 4096, 320), "matmul/matmul_tiled");
  device.matrix_shapes.pop_back();  // sums of 16 bits alone
  EXPECT_EQ(kernel_of(device, DType::f16, 4096, 320), "matmul/matmul_tiled_dot");
}

TEST(KernelChoice, MatrixUnitsServeHeadsOfWholeWordsAndManyQueries) {
  DeviceProfile device = made_up_desktop();
  device.features |= kNeedCooperativeMatrix | kNeedSubgroupShuffle;
  device.matrix_shapes = {{16, 16, 16}};
#ifdef KILN_MATRIX_KERNELS
  for (const std::uint32_t head : {8u, 40u, 64u, 80u, 160u, 512u}) {
    EXPECT_EQ(attention_of(device, head), "attention/attention_matrix") << head;
  }
#endif
  EXPECT_EQ(attention_of(device, 36), "attention/attention_tiled");
  EXPECT_EQ(attention_of(device, 40, 15), "attention/attention_tiled");
  device.matrix_shapes.clear();
  EXPECT_EQ(attention_of(device, 40), "attention/attention_tiled");
}

TEST(KernelChoice, TilesOfAttentionOnMatrixUnitsFitTheDevice) {
  DeviceProfile device = made_up_desktop();
  for (const MatrixShape& shape : {MatrixShape{16, 16, 16}, {8, 16, 16}, {8, 8, 16}, {8, 8, 8}}) {
    device.matrix_shapes = {shape};
    for (const std::uint32_t subgroup : {8u, 16u, 32u, 64u}) {
      device.subgroup_size = device.min_subgroup_size = device.max_subgroup_size = subgroup;
      for (const std::uint32_t head : {8u, 40u, 64u, 72u, 80u, 160u, 512u}) {
        for (const std::uint32_t queries : {16u, 64u, 256u, 1024u, 4096u}) {
          const auto tile = attention_matrix_tile(device, queries, head, 16);
          if (!tile) continue;
          EXPECT_LE(tile->shared_bytes(), device.max_shared_bytes);
          EXPECT_LE(tile->workgroup(), 256u);
          const std::uint32_t lanes = tile->workgroup() / tile->queries();  // of a row
          EXPECT_EQ(lanes * tile->queries(), tile->workgroup());
          EXPECT_LE(lanes, subgroup);
          EXPECT_EQ(tile->keys % (lanes * 8), 0u);
          EXPECT_EQ(tile->keys % (tile->subgroups_n * shape.n), 0u);
          EXPECT_EQ(tile->chunk % (tile->subgroups_n * shape.n), 0u);
          EXPECT_EQ(tile->chunk % shape.k, 0u);
          EXPECT_TRUE(tile->chunk >= head || head % tile->chunk == 0);
        }
      }
    }
  }
}

// A product of 3x3 taps on pictures of side x side.
Plan convolution(const DeviceProfile& device, std::uint32_t images, std::uint32_t side,
                 DType element = DType::f16) {
  Graph graph("choice", element);
  const Tensor x = graph.persistent("x", {images, side, side, 1280}, element);
  const Tensor weight =
      graph.constant({.name = "w", .dims = {1280, 1280, 3, 3}, .dtype = DType::f32, .read = {}});
  graph.keep(conv2d(x, weight, {}, {}), "y");
  return compile(graph, device);
}

// Parts that the sums are divided into; 0: plans that are other than products and their ends.
std::uint32_t parts_of(const Plan& plan) {
  const std::uint32_t parts = plan.dispatches[0].grid.z;
  if (parts == 1) return plan.dispatches.size() == 1 ? 1 : 0;
  for (std::size_t i = 0; i < plan.dispatches.size(); ++i) {
    const bool is_end = plan.dispatches[i].kernel->name == "matmul/sum_parts";
    if (is_end != (i % 2 == 1) || (!is_end && plan.dispatches[i].grid.z != parts)) return 0;
  }
  return plan.dispatches.size() % 2 == 0 ? parts : 0;
}

TEST(KernelChoice, SumsOfFewPixelsAreDividedTheSameInEveryBatch) {
  DeviceProfile device = made_up_desktop();
  device.max_dispatch_flops = ~0ull;
  for (const bool has_unit : {false, true}) {
    if (has_unit) {
      device.features |= kNeedCooperativeMatrix;
      device.matrix_shapes = {{16, 16, 16}};
    }
    for (const DType element : {DType::f16, DType::f32}) {
      const std::uint32_t parts = parts_of(convolution(device, 2, 8, element));
      EXPECT_GT(parts, 1u);
      for (const std::uint32_t images : {1u, 3u, 8u}) {
        EXPECT_EQ(parts_of(convolution(device, images, 8, element)), parts) << images;
      }
      // More than is kept at once: in bands.
      const Plan many = convolution(device, 128, 8, element);
      EXPECT_GT(many.dispatches.size(), 2u);
      EXPECT_EQ(parts_of(many), parts);
      EXPECT_EQ(parts_of(convolution(device, 1, 64, element)), 1u);
    }
  }
}

TEST(KernelChoice, SumsAreNotDividedForFewCoresNorWhereTheirEndIsToBeAvoided) {
  DeviceProfile few = made_up_desktop(), avoiding = made_up_desktop();
  few.kind = DeviceKind::integrated;
  avoiding.avoided_kernels = {"matmul/sum_parts"};
  EXPECT_EQ(parts_of(convolution(few, 2, 8)), 1u);
  EXPECT_EQ(parts_of(convolution(avoiding, 2, 8)), 1u);
}

// Fewer invocations that each load more spilled where registers are few.
TEST(KernelChoice, ShortSubgroupsOfVaryingSizeKeepTheLargerGroup) {
  DeviceProfile device = made_up_desktop();
  EXPECT_EQ(tiled_matmul(device, 64, 320).group_rows, 8u);
  device.max_subgroup_size = 64;
  EXPECT_EQ(tiled_matmul(device, 64, 320).group_rows, 8u);
  device.min_subgroup_size = 16;
  device.max_subgroup_size = 32;
  EXPECT_EQ(tiled_matmul(device, 64, 320).group_rows, 16u);
}

TEST(KernelChoice, OddInputsAndFewRowsGoToTheKernelForEverything) {
  EXPECT_EQ(kernel_of(made_up_desktop(), DType::f16, 4096, 36), "matmul/matmul");
  EXPECT_EQ(kernel_of(made_up_desktop(), DType::f16, 2, 320), "matmul/matmul");
}

TEST(KernelChoice, LittleSharedMemoryIsLeftAlone) {
  DeviceProfile device = made_up_desktop();
  device.kind = DeviceKind::integrated;
  device.max_shared_bytes = 32768;
  EXPECT_EQ(kernel_of(device, DType::f16, 4096, 320), "matmul/matmul");
}

TEST(KernelChoice, AttentionHoldsWholeHeadsOnACpuAlone) {
  EXPECT_EQ(attention_of(made_up_desktop(), 40), "attention/attention_tiled");
  DeviceProfile device = made_up_desktop();
  device.kind = DeviceKind::cpu;
  EXPECT_EQ(attention_of(device, 40), "attention/attention");
}

TEST(KernelChoice, TilesOfAttentionFitTheLeastSharedMemory) {
  DeviceProfile device = made_up_desktop();
  device.max_shared_bytes = 16384;
  for (const std::uint32_t head : {8u, 40u, 64u, 80u, 160u, 512u, 1024u}) {
    EXPECT_EQ(attention_of(device, head), "attention/attention_tiled") << head;
  }
}

}  // namespace
}  // namespace kiln
