// Which kernels made-up devices get: chosen by facts, never by names.
#include <gtest/gtest.h>

#include <string>

#include "runtime/graph/plan.h"
#include "runtime/ops/ops.h"

namespace kiln {
namespace {

DeviceProfile desktop() {
  DeviceProfile device;
  device.kind = DeviceKind::discrete;
  device.features |= kNeedStorage16 | kNeedFloat16 | kNeedMemoryModel;
  device.subgroup_size = device.min_subgroup_size = device.max_subgroup_size = 32;
  device.max_workgroup_invocations = 1024;
  device.max_workgroup_size = {1024, 1024, 64};
  device.max_shared_bytes = 49152;
  device.max_storage_buffers = 64;
  return device;
}

std::string kernel_of(const DeviceProfile& device, DType element, std::uint32_t rows,
                      std::uint32_t inputs) {
  Graph graph("choice", element);
  const Tensor x = graph.persistent("x", {1, 1, rows, inputs}, element);
  const Tensor weight =
      graph.constant({.name = "w", .dims = {320, inputs}, .dtype = DType::f32, .read = {}});
  graph.keep(linear(x, weight, {}), "y");
  return std::string(compile(graph, device).dispatches.at(0).kernel->name);
}

std::string attention_of(const DeviceProfile& device, std::uint32_t head) {
  Graph graph("choice", DType::f16);
  const Tensor x = graph.persistent("x", {1, 1, 4096, head}, DType::f16);
  graph.keep(attention(x, x, x, 1), "y");
  return std::string(compile(graph, device).dispatches.at(0).kernel->name);
}

TEST(KernelChoice, TilesInSharedMemoryServeADesktopGpu) {
  EXPECT_EQ(kernel_of(desktop(), DType::f16, 4096, 320), "matmul/matmul_tiled");
  EXPECT_EQ(kernel_of(desktop(), DType::f32, 4096, 320), "matmul/matmul_tiled");
}

TEST(KernelChoice, PairsAreUsedWhereTheyAreOneInstruction) {
  DeviceProfile device = desktop();
  device.features |= kNeedMixedDot;
  EXPECT_EQ(kernel_of(device, DType::f16, 4096, 320), "matmul/matmul_tiled_dot");
  EXPECT_EQ(kernel_of(device, DType::f32, 4096, 320), "matmul/matmul_tiled");
}

TEST(KernelChoice, MatrixUnitsServe16BitsOnly) {
  DeviceProfile device = desktop();
  device.features |= kNeedMixedDot | kNeedCooperativeMatrix;
  device.matrix_shapes = {{16, 16, 16, DType::f16, DType::f16}, {16, 16, 16}};
#ifdef KILN_MATRIX_KERNELS
  EXPECT_EQ(kernel_of(device, DType::f16, 4096, 320), "matmul/matmul_matrix");
#endif
  EXPECT_EQ(kernel_of(device, DType::f32, 4096, 320), "matmul/matmul_tiled");
  device.matrix_shapes.pop_back();  // sums of 16 bits alone
  EXPECT_EQ(kernel_of(device, DType::f16, 4096, 320), "matmul/matmul_tiled_dot");
}

TEST(KernelChoice, OddInputsAndFewRowsGoToTheKernelForEverything) {
  EXPECT_EQ(kernel_of(desktop(), DType::f16, 4096, 36), "matmul/matmul");
  EXPECT_EQ(kernel_of(desktop(), DType::f16, 2, 320), "matmul/matmul");
}

TEST(KernelChoice, LittleSharedMemoryIsLeftAlone) {
  DeviceProfile device = desktop();
  device.kind = DeviceKind::integrated;
  device.max_shared_bytes = 32768;
  EXPECT_EQ(kernel_of(device, DType::f16, 4096, 320), "matmul/matmul");
}

TEST(KernelChoice, AttentionHoldsWholeHeadsOnACpuAlone) {
  EXPECT_EQ(attention_of(desktop(), 40), "attention/attention_tiled");
  DeviceProfile device = desktop();
  device.kind = DeviceKind::cpu;
  EXPECT_EQ(attention_of(device, 40), "attention/attention");
}

TEST(KernelChoice, TilesOfAttentionFitTheLeastSharedMemory) {
  DeviceProfile device = desktop();
  device.max_shared_bytes = 16384;
  for (const std::uint32_t head : {8u, 40u, 64u, 80u, 160u, 512u, 1024u}) {
    EXPECT_EQ(attention_of(device, head), "attention/attention_tiled") << head;
  }
}

}  // namespace
}  // namespace kiln
