// Weights: everything wrong with a checkpoint is told at once, with names and both shapes.
#include "runtime/weights/weights.h"

#include "made_files.h"
#include "runtime/weights/joined.h"
#include "runtime/weights/renamed.h"
#include "runtime/weights/safetensors.h"
#include "runtime/weights/synthetic.h"

namespace kiln {
namespace {

const std::string kFile =
    testing::safetensors_file(R"({"a.0.weight":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},)"
                              R"("a.0.bias":{"dtype":"I32","shape":[1],"data_offsets":[8,12]},)"
                              R"("q":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[12,13]},)"
                              R"("extra":{"dtype":"U8","shape":[1],"data_offsets":[13,14]}})",
                              testing::raw<float>({1, 2, 3}) + "xy");

WeightSourcePtr source() { return Safetensors::parse(testing::bytes_of(kFile), "f"); }

std::string complaint(const WeightReport& report) {
  try {
    report.check("unet");
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Weights, PathsAreNamesJoinedByDots) {
  const Weights root(source(), std::make_shared<WeightReport>());
  const Weights inner = root["a"][0];
  EXPECT_EQ(inner.path(), "a.0");
  EXPECT_TRUE(inner.has("weight"));
  EXPECT_FALSE(inner.has("absent"));
  EXPECT_TRUE(root.has("q"));  // there, though it cannot be read
  EXPECT_EQ(Weights(source(), std::make_shared<WeightReport>(), "a")[0u].path(), "a.0");
}

TEST(Weights, AFittingTensorBecomesAConstantThatReadsTheFile) {
  Graph graph("test", DType::f32);
  const auto report = std::make_shared<WeightReport>();
  const Weights root(source(), report);
  const Tensor tensor = root["a"][0].tensor(graph, "weight", {2, 1});
  EXPECT_EQ(tensor.shape().elements(), 2u);
  const WeightData& data = graph.weights().at(0);
  EXPECT_EQ(data.name, "a.0.weight");
  EXPECT_EQ(data.dtype, DType::f32);
  std::vector<float> values(2);
  data.read(std::as_writable_bytes(std::span(values)));
  EXPECT_EQ(values, (std::vector<float>{1, 2}));
  EXPECT_TRUE(report->is_clean());
  EXPECT_NO_THROW(report->check("unet"));
  EXPECT_EQ(report->unused(*source()), (std::vector<std::string>{"a.0.bias", "extra", "q"}));
}

TEST(Weights, ProblemsAreCollectedAndToldTogether) {
  Graph graph("test", DType::f32);
  const auto report = std::make_shared<WeightReport>();
  const Weights root(source(), report);
  const Weights inner = root["a"][0];
  const Tensor wrong = inner.tensor(graph, "weight", {1, 2});
  EXPECT_EQ(wrong.shape().elements(), 2u);
  inner.tensor(graph, "bias", {1});
  root.tensor(graph, "q", {1});
  root.tensor(graph, "gone", {});
  root.tensor(graph, "gone", {});
  EXPECT_EQ(complaint(*report),
            "[unet] the weights do not fit: 1 missing, 1 of another shape, 2 unreadable, of 4\n"
            "  a.0.weight is 2x1, expected 1x2\n"
            "  a.0.bias is I32, expected a floating-point type\n"
            "  [f] tensor 'q' is F8_E4M3, an element type that is not supported\n"
            "  missing gone, expected scalar");
  std::vector<std::byte> bytes(8);
  testing::expect_one_line_error([&] { graph.weights().at(0).read(bytes); }, "expected 1x2");
}

// Three matrices of [1, 2]: two in 32 bits, one in 64.
WeightSourcePtr source_of_parts() {
  static const std::string file =
      testing::safetensors_file(R"({"n.q.w":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},)"
                                R"("n.k.w":{"dtype":"F32","shape":[1,2],"data_offsets":[8,16]},)"
                                R"("n.v.w":{"dtype":"F64","shape":[1,2],"data_offsets":[16,32]}})",
                                testing::raw<float>({1, 2, 3, 4}) + testing::raw<double>({5, 6.5}));
  return Safetensors::parse(testing::bytes_of(file), "f");
}

TEST(Weights, StackedTensorsFollowEachOtherWhateverTheirTypes) {
  const auto report = std::make_shared<WeightReport>();
  const Weights w(source_of_parts(), report, "n");
  Graph graph("test", DType::f32);
  const std::vector<std::string> alike{"q.w", "k.w"}, mixed{"v.w", "k.w", "q.w"};
  const Tensor two = w.stacked(graph, alike, {1, 2}), three = w.stacked(graph, mixed, {1, 2});
  EXPECT_EQ(graph.dims_of(two), (std::vector<std::int64_t>{2, 2}));
  EXPECT_EQ(graph.dims_of(three), (std::vector<std::int64_t>{3, 2}));
  EXPECT_EQ(w.stacked(graph, alike, {1, 2}).id(), two.id());
  EXPECT_TRUE(report->is_clean());
  EXPECT_TRUE(report->unused(w.source()).empty());
  const WeightData &first = graph.weights().at(0), &second = graph.weights().at(1);
  EXPECT_EQ(first.name, "n.q.w+n.k.w");
  EXPECT_EQ(second.name, "n.v.w+n.k.w+n.q.w");
  EXPECT_EQ(second.dtype, DType::f32);
  std::vector<float> values(4), more(6);
  first.read(std::as_writable_bytes(std::span(values)));
  EXPECT_EQ(values, (std::vector<float>{1, 2, 3, 4}));
  second.read(std::as_writable_bytes(std::span(more)));
  EXPECT_EQ(more, (std::vector<float>{5, 6.5, 3, 4, 1, 2}));
}

TEST(Weights, EachOfStackedTensorsIsReportedByItself) {
  const auto report = std::make_shared<WeightReport>();
  const Weights w(source_of_parts(), report, "n");
  Graph graph("test", DType::f32);
  const std::vector<std::string> names{"q.w", "gone.w", "k.w"};
  w.stacked(graph, names, {1, 2});
  w.stacked(graph, std::vector<std::string>{"v.w"}, {2, 2});
  EXPECT_EQ(complaint(*report),
            "[unet] the weights do not fit: 1 missing, 1 of another shape, 0 unreadable, of 4\n"
            "  missing n.gone.w, expected 1x2\n"
            "  n.v.w is 1x2, expected 2x2");
  std::vector<std::byte> bytes(24);
  testing::expect_one_line_error([&] { graph.weights().at(0).read(bytes); }, "missing n.gone.w");
}

TEST(Weights, LongListsAreCut) {
  Graph graph("test", DType::f32);
  const auto report = std::make_shared<WeightReport>();
  const Weights root(source(), report);
  for (int i = 0; i < 25; ++i) root["x"][i].tensor(graph, "weight", {1});
  const std::string text = complaint(*report);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 21);
  EXPECT_TRUE(text.ends_with("and 5 more")) << text;
}

TEST(Weights, MessagesGiveTheNameInTheFile) {
  Graph graph("test", DType::f32);
  const auto report = std::make_shared<WeightReport>();
  const auto renamed =
      std::make_shared<Renamed>(source(), std::vector<Rename>{{"w", "a.0.weight", {}}});
  const auto joined = std::make_shared<Joined>("m", std::vector<Joined::Part>{{"unet.", renamed}});
  Weights(joined, report, "unet").tensor(graph, "w", {3});
  EXPECT_NE(complaint(*report).find("unet.w (in the file: a.0.weight) is 2x1, expected 3"),
            std::string::npos);
}

TEST(Weights, SyntheticWeightsFitEveryShape) {
  Graph graph("test", DType::f32);
  const auto report = std::make_shared<WeightReport>();
  const Weights root(std::make_shared<Synthetic>(1, DType::f32), report);
  root["conv"].tensor(graph, "weight", {8, 4, 3, 3});
  EXPECT_TRUE(report->is_clean());
  std::vector<float> values(8 * 4 * 3 * 3);
  graph.weights().at(0).read(std::as_writable_bytes(std::span(values)));
  for (const float value : values) EXPECT_LE(std::abs(value), 0.289f);  // sqrt(3 / 36)
}

TEST(Weights, EveryNumberTypeCanBeReadAsFloat) {
  const std::string file = testing::safetensors_file(
      R"({"l":{"dtype":"I64","shape":[1],"data_offsets":[0,8]},)"
      R"("i":{"dtype":"I32","shape":[1],"data_offsets":[8,12]},)"
      R"("u":{"dtype":"U32","shape":[1],"data_offsets":[12,16]},)"
      R"("s":{"dtype":"I16","shape":[1],"data_offsets":[16,18]},)"
      R"("c":{"dtype":"I8","shape":[1],"data_offsets":[18,19]},)"
      R"("b":{"dtype":"BOOL","shape":[1],"data_offsets":[19,20]}})",
      testing::raw<std::int64_t>({-3}) + testing::raw<std::int32_t>({-4}) +
          testing::raw<std::uint32_t>({5}) + testing::raw<std::int16_t>({-6}) + "\xf9\x01");
  const auto numbers = Safetensors::parse(testing::bytes_of(file), "n");
  EXPECT_EQ(read_as_f32(*numbers, "l").at(0), -3);
  EXPECT_EQ(read_as_f32(*numbers, "i").at(0), -4);
  EXPECT_EQ(read_as_f32(*numbers, "u").at(0), 5);
  EXPECT_EQ(read_as_f32(*numbers, "s").at(0), -6);
  EXPECT_EQ(read_as_f32(*numbers, "c").at(0), -7);
  EXPECT_EQ(read_as_f32(*numbers, "b").at(0), 1);
}

}  // namespace
}  // namespace kiln
