// Whole networks node by node against the interpreter, and a wrong kernel found in one of them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "models/pipeline/kiln.h"
#include "models/tapes/network_tapes.h"
#include "runtime/base/error.h"
#include "runtime/ops/device_class.h"
#include "tests/device/device_under_test.h"
#include "tests/device/run_op.h"
#include "tests/models/tapes/spoiled_kernel.h"

namespace kiln::test {
namespace {

const Model& tiny_model() {
  static const Model model = open_model(KILN_SOURCE_DIR "/tests/golden/sd15-tiny", {});
  return model;
}

constexpr NetworkSize kSmall = {.width = 32, .height = 48, .images = 2};

// The kernel that ends the tiny model's group norms.
std::string norm_kernel() {
  return is_vector_cpu(device_under_test().profile()) ? "norm/channel_apply" : "norm/group_norm";
}

bool uses(const NodeCheck& check, const std::string& kernel) {
  return std::find(check.kernels.begin(), check.kernels.end(), kernel) != check.kernels.end();
}

TEST(NetworkTapes, AgreeWithTheInterpreterNodeByNodeBeforeAndAfterFusion) {
  Executor executor(device_under_test().device());
  for (const DType element : element_types()) {
    for (const Tape& tape : network_tapes(tiny_model(), element, kSmall)) {
      std::size_t nodes[2] = {};
      for (const bool fused : {false, true}) {
        SCOPED_TRACE(tape.name + (fused ? " fused " : " ") + std::string(to_text(element)));
        const auto checks = check_nodes(executor, executor.profile(), tape, {.fused = fused});
        nodes[fused] = checks.size();
        for (const NodeCheck& check : checks) EXPECT_TRUE(check.passed()) << to_text(check);
      }
      EXPECT_GT(nodes[true], 10u);
      EXPECT_LT(nodes[true], nodes[false]);
    }
  }
}

// What the command prints as the first node that differs must be the first that runs the kernel.
TEST(NetworkTapes, NameTheFirstNodeThatUsesASpoiledKernel) {
  for (const std::string& kernel :
       {norm_kernel(), std::string("matmul/matmul"), std::string("attention/attention")}) {
    SCOPED_TRACE(kernel);
    Executor right(device_under_test().device());
    Executor wrong(device_under_test().device(), nullptr, spoiled(kernel));
    for (const Tape& tape : network_tapes(tiny_model(), DType::f32, kSmall)) {
      const auto expected = check_nodes(right, right.profile(), tape);
      const auto first = std::find_if(expected.begin(), expected.end(),
                                      [&](const NodeCheck& check) { return uses(check, kernel); });
      const auto found = check_nodes(wrong, wrong.profile(), tape, {.stops_at_first = true});
      if (first == expected.end()) {
        EXPECT_TRUE(found.back().passed()) << to_text(found.back());
        continue;
      }
      EXPECT_FALSE(found.back().passed());
      EXPECT_EQ(found.back().path, first->path);
      EXPECT_TRUE(uses(found.back(), kernel)) << to_text(found.back());
    }
  }
}

reference::Numbers picture(Executor& executor, const DeviceProfile& device) {
  const Tape tape = network_tapes(tiny_model(), DType::f32, kSmall)[2];
  Graph graph(tape.name, tape.element);
  tape.record(graph);
  const auto stage = executor.prepare(compile(graph, device));
  executor.write("decode.latent",
                 reference::to_bytes(tape.inputs.at("decode.latent"), tape.element));
  executor.wait(stage->submit());
  std::vector<std::byte> bytes(executor.elements("decode.picture"));
  executor.read("decode.picture", bytes);
  return reference::from_bytes(bytes, DType::u8);
}

double greatest_step(const reference::Numbers& a, const reference::Numbers& b) {
  double greatest = a.size() == b.size() ? 0.0 : 256.0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    greatest = std::max(greatest, std::abs(a[i] - b[i]));
  }
  return greatest;
}

TEST(AvoidedKernels, LeaveThePictureRight) {
  Executor right(device_under_test().device());
  Executor wrong(device_under_test().device(), nullptr, spoiled(norm_kernel()));
  DeviceProfile avoiding = right.profile();
  avoiding.avoided_kernels = {norm_kernel()};
  const auto expected = picture(right, right.profile());
  EXPECT_GT(greatest_step(picture(wrong, wrong.profile()), expected), 1.0);
  EXPECT_LE(greatest_step(picture(wrong, avoiding), expected), 1.0);
}

}  // namespace
}  // namespace kiln::test
