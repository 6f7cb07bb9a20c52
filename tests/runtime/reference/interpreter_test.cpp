// The interpreter alone: tapes before and after fusion, and what it refuses.
#include "runtime/reference/interpreter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "runtime/base/error.h"
#include "runtime/graph/fusion.h"
#include "runtime/ops/ops.h"
#include "runtime/reference/numbers.h"

namespace kiln::reference {
namespace {

constexpr Shape kPicture = {2, 4, 4, 8};

Tensor weight(Graph& graph, const char* name, std::vector<std::int64_t> dims, std::uint32_t seed) {
  std::size_t count = 1;
  for (const std::int64_t extent : dims) count *= std::size_t(extent);
  return graph.constant({.name = name,
                         .dims = std::move(dims),
                         .dtype = DType::f32,
                         .read = [count, seed](std::span<std::byte> out) {
                           const std::vector<float> values = numbers(count, seed, 0.25f);
                           std::memcpy(out.data(), values.data(), out.size());
                         }});
}

// A resnet in small: norm, silu, convolution, addition of a row and of the input.
ValueId record(Graph& graph) {
  const Tensor x = graph.persistent("x", kPicture, graph.element());
  const Tensor row = graph.persistent("row", {2, 1, 1, 8}, graph.element());
  const Tensor normed = silu(group_norm(x, weight(graph, "scale", {8}, 1),
                                        weight(graph, "shift", {8}, 2), 4, 1e-5f, "norm"));
  const Tensor y = conv2d(normed, weight(graph, "weight", {8, 8, 3, 3}, 3),
                          weight(graph, "bias", {8}, 4), {}, "conv");
  return gelu(y + row).id();
}

Numbers run(DType element, bool fused) {
  Graph graph("test", element);
  const ValueId result = record(graph);
  Interpreter interpreter(graph);
  const std::vector<float> x = numbers(kPicture.elements(), 5), row = numbers(16, 6);
  interpreter.write("x", {x.begin(), x.end()});
  interpreter.write("row", {row.begin(), row.end()});
  if (fused) {
    const std::vector<Node> nodes = fuse(graph);
    EXPECT_EQ(nodes.size(), 2u);
    interpreter.run(nodes);
  } else {
    EXPECT_EQ(graph.nodes().size(), 5u);
    interpreter.run(graph.nodes());
  }
  return interpreter.values(result);
}

TEST(Interpreter, GivesTheSameBeforeAndAfterFusion) {
  for (const DType element : {DType::f32, DType::f16}) {
    const Numbers before = run(element, false), after = run(element, true);
    ASSERT_EQ(before.size(), kPicture.elements());
    // Unfused, values in between are rounded to the storage type.
    const double unit = element == DType::f16 ? 0x1p-11 : 0x1p-24;
    double greatest = 0.0;
    for (std::size_t i = 0; i < before.size(); ++i) {
      EXPECT_NEAR(before[i], after[i], 16.0 * unit) << i;
      greatest = std::max(greatest, std::abs(after[i]));
    }
    EXPECT_GT(greatest, 0.1);
  }
}

class Unknown : public Op {
 public:
  std::string_view name() const override { return "unheard_of"; }
  void lower(Lowering&) const override {}
};

TEST(Interpreter, NamesTheOperationThatHasNoReference) {
  Graph graph("test", DType::f32);
  const Tensor x = graph.persistent("x", {1, 1, 1, 4}, DType::f32);
  graph.record(std::make_unique<Unknown>(), {x}, x.shape(), DType::f32, "somewhere");
  Interpreter interpreter(graph);
  interpreter.write("x", Numbers(4, 1.0));
  try {
    interpreter.run(graph.nodes());
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(),
                testing::AllOf(testing::HasSubstr("unheard_of"), testing::HasSubstr("somewhere")));
  }
}

TEST(Interpreter, RefusesTensorsNobodyFilledAndContentsOfAnotherSize) {
  Graph graph("test", DType::f32);
  silu(graph.persistent("x", {1, 1, 1, 4}, DType::f32));
  Interpreter interpreter(graph);
  EXPECT_THROW(interpreter.run(graph.nodes()), Error);
  EXPECT_THROW(interpreter.write("x", Numbers(3)), Error);
  EXPECT_THROW(interpreter.write("y", Numbers(4)), Error);
}

TEST(WorstDifference, FindsTheElementFurthestBeyondItsBound) {
  const Answer expected{{1.0, 2.0, 3.0}, {0.5, 0.1, 0.5}};
  const Difference worst = worst_difference(Numbers{1.25, 2.15, 3.0}, expected, DType::f32);
  EXPECT_EQ(worst.element, 1u);
  EXPECT_FALSE(worst.within());
  EXPECT_NEAR(worst.ratio, 1.5, 1e-3);
  EXPECT_TRUE(worst_difference(Numbers{1.25, 2.05, 3.0}, expected, DType::f32).within());
}

TEST(WorstDifference, CountsWhatIsNoNumberAsWrong) {
  const Numbers broken = {std::numeric_limits<double>::quiet_NaN()};
  EXPECT_FALSE(worst_difference(broken, {{1.0}, {1e9}}, DType::f32).within());
  const Numbers infinite = {std::numeric_limits<double>::infinity()};
  EXPECT_FALSE(worst_difference(infinite, {{1.0}, {1e9}}, DType::f32).within());
}

TEST(Stored, RoundsToEvenAndSaturates) {
  EXPECT_EQ(stored(1.0 + 0x1p-11, DType::f16), 1.0);
  EXPECT_EQ(stored(1e6, DType::f16), 65504.0);
  EXPECT_EQ(stored(0.1, DType::f32), double(0.1f));
}

TEST(Bytes, GoBothWays) {
  for (const DType type : {DType::f32, DType::f16, DType::u32, DType::u8}) {
    const Numbers values = {0.0, 1.0, 77.0, 255.0};
    EXPECT_EQ(from_bytes(to_bytes(values, type), type), values) << to_text(type);
  }
  EXPECT_THROW(to_bytes(Numbers{1.0}, DType::bf16), Error);
}

}  // namespace
}  // namespace kiln::reference
