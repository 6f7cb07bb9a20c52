// Runs one operation on the device under test: operands from numbers, the result as numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/graph/graph.h"
#include "runtime/graph/plan.h"
#include "runtime/reference/numbers.h"

namespace kiln::test {

// Storage types the device under test has: f32, and f16 where it stores 16 bits.
std::vector<DType> element_types();

using reference::numbers;

std::vector<double> widened(const std::vector<float>& values);

// A graph with one or a few operations whose result is wanted.
class OpRun {
 public:
  // wanted: see compile().
  explicit OpRun(DType element, std::string_view wanted_kernel = {})
      : OpRun(element, KernelChoice{std::string(wanted_kernel), {}}) {}
  OpRun(DType element, const KernelChoice& wanted);

  Graph& graph() { return graph_; }
  DType element() const { return graph_.element(); }

  // Operands. Values must be exact in the type they are stored as.
  Tensor input(Shape shape, const std::vector<float>& values);  // of the element type
  Tensor input_f32(Shape shape, const std::vector<float>& values);
  Tensor input_u32(Shape shape, const std::vector<std::uint32_t>& values);
  Tensor weight(std::vector<std::int64_t> dims, const std::vector<float>& values);

  // Compiles and runs the graph, once. Numbers of the result, in memory order.
  std::vector<float> run(Tensor result);
  std::vector<std::uint8_t> run_bytes(Tensor result);
  // Compiles only.
  const Plan& compiled(Tensor result);

  // Before a run: kernels and tiles as for a device of this kind, on the one under test.
  void pretend(DeviceKind kind) { device_.kind = kind; }
  const DeviceProfile& device() const { return device_; }

  // After a run.
  const Plan& plan() const { return plan_; }
  // Before a run: a smaller device than the one under test.
  void limit_binding_bytes(std::uint64_t bytes);
  void limit_dispatch_flops(std::uint64_t flops);
  // Before a run: kernels to do without.
  void avoid(std::vector<std::string> kernels);

 private:
  Tensor persistent(Shape shape, DType dtype, std::vector<std::byte> bytes);

  Graph graph_;
  Plan plan_;
  DeviceProfile device_;
  KernelChoice wanted_;
  std::map<std::string, std::vector<std::byte>> writes_;
};

// Fails the test where |actual - expected| exceeds `float_error` plus what storing `expected` as
// `element` loses.
void expect_close(const std::vector<float>& actual, const std::vector<double>& expected,
                  DType element, double float_error);

}  // namespace kiln::test
