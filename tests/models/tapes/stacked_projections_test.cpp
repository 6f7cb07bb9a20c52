// Networks whose self-attention makes one product of q, k and v: right node by node, and the same
// networks.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "models/tapes/network_tapes.h"
#include "tests/device/device_under_test.h"
#include "tests/device/run_op.h"

namespace kiln::test {
namespace {

const Model& tiny_model() {
  static const Model model = open_model(KILN_SOURCE_DIR "/tests/golden/sd15-tiny", {});
  return model;
}

constexpr NetworkSize kSmall = {.width = 32, .height = 48, .images = 2};

bool is_stacked(const std::string& op) { return op.starts_with("self_attention"); }

// What a network gave: its result, and by path the q, k and v of its layers.
struct Outputs {
  std::map<std::string, reference::Numbers> values;
  std::ptrdiff_t stacked = 0;  // nodes
  std::uint64_t weight_elements = 0;
};

bool is_projection(std::string_view path) {
  for (const char* end : {".to_q", ".to_k", ".to_v", ".q_proj", ".k_proj", ".v_proj"}) {
    if (path.ends_with(end)) return true;
  }
  return false;
}

reference::Numbers read(Executor& executor, const PlannedPersistent& tensor) {
  std::vector<std::byte> bytes(tensor.shape.elements() * size_bytes(tensor.dtype));
  executor.read(tensor.name, bytes);
  return reference::from_bytes(bytes, tensor.dtype);
}

Outputs run(const Tape& tape, bool stacks) {
  Executor executor(device_under_test().device());
  Graph graph(tape.name, tape.element);
  graph.watch(is_projection);
  graph.stack_projections(stacks);
  tape.record(graph);
  std::map<std::string, std::string> paths;  // by name of the tensor
  for (const Graph::Tap& tap : graph.taps()) paths[tap.persistent] = tap.path;
  const auto stage = executor.prepare(compile(graph, executor.profile()));
  for (const PlannedPersistent& tensor : stage->plan().persistents) {
    const auto input = tape.inputs.find(tensor.name);
    if (input == tape.inputs.end()) continue;
    executor.write(tensor.name, reference::to_bytes(input->second, tensor.dtype));
  }
  executor.wait(stage->submit());
  Outputs outputs;
  outputs.weight_elements = stage->plan().weight_elements();
  for (const PlannedPersistent& tensor : stage->plan().persistents) {
    if (tape.inputs.contains(tensor.name)) continue;
    const auto tap = paths.find(tensor.name);
    outputs.values[tap == paths.end() ? tensor.name : tap->second] = read(executor, tensor);
  }
  for (const PlannedNode& node : stage->plan().nodes) outputs.stacked += is_stacked(node.op);
  return outputs;
}

// Of the greatest value there is; b: finite numbers.
double relative_difference(const reference::Numbers& a, const reference::Numbers& b) {
  double greatest = 0.0, difference = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    greatest = std::max(greatest, std::abs(b[i]));
    if (std::isnan(a[i])) return a[i];
    difference = std::max(difference, std::abs(a[i] - b[i]));
  }
  return difference / greatest;
}

// Another kernel of attention sums in another order: some roundings in each layer, or one step of a
// picture's numbers.
double allowed(const std::string& name, DType element) {
  if (name == "decode.picture") return 0.01;
  return element == DType::f16 ? 8 * 0x1p-11 : 128 * 0x1p-24;
}

TEST(StackedProjections, GiveWhatThreeProductsGive) {
  for (const DType element : element_types()) {
    for (const Tape& tape : network_tapes(tiny_model(), element, kSmall)) {
      SCOPED_TRACE(tape.name + " " + std::string(to_text(element)));
      const Outputs apart = run(tape, false), stacked = run(tape, true);
      EXPECT_EQ(apart.stacked, 0);
      EXPECT_GT(stacked.stacked, 0);
      EXPECT_EQ(stacked.weight_elements, apart.weight_elements);
      EXPECT_GT(apart.values.size(), 3u);
      ASSERT_EQ(stacked.values.size(), apart.values.size());
      for (const auto& [name, expected] : apart.values) {
        ASSERT_TRUE(stacked.values.contains(name)) << name;
        const reference::Numbers& actual = stacked.values.at(name);
        ASSERT_EQ(actual.size(), expected.size()) << name;
        EXPECT_LE(relative_difference(actual, expected), allowed(name, element)) << name;
      }
    }
  }
}

// The kernels are those that a card would get, as far as the device under test can run them.
TEST(StackedProjections, AgreeWithTheInterpreterNodeByNodeWithTheKernelsOfACard) {
  Executor executor(device_under_test().device());
  DeviceProfile card = executor.profile();
  card.kind = DeviceKind::discrete;
  for (const DType element : element_types()) {
    for (const Tape& tape : network_tapes(tiny_model(), element, kSmall)) {
      SCOPED_TRACE(tape.name + " " + std::string(to_text(element)));
      const auto checks = check_nodes(executor, card, tape);
      EXPECT_GT(std::count_if(checks.begin(), checks.end(),
                              [](const NodeCheck& check) { return is_stacked(check.op); }),
                0);
      for (const NodeCheck& check : checks) EXPECT_TRUE(check.passed()) << to_text(check);
    }
  }
}

}  // namespace
}  // namespace kiln::test
