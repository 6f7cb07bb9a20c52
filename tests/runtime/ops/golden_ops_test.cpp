// Operations at the full sizes of real models against stored samples of a float64 evaluation
// (tests/golden/ops/README.txt says what the files hold).
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "runtime/ops/ops.h"
#include "runtime/weights/json_text.h"
#include "runtime/weights/open_weights.h"
#include "runtime/weights/weights.h"
#include "tests/device/run_op.h"

namespace kiln::test {
namespace {

using Json = nlohmann::json;

const std::string kFolder = KILN_SOURCE_DIR "/tests/golden/ops/";

// [outer, a, b, inner] as [outer, b, a, inner].
std::vector<float> swapped(const std::vector<float>& values, std::size_t a, std::size_t b,
                           std::size_t inner) {
  std::vector<float> result(values.size());
  const std::size_t outer = values.size() / (a * b * inner);
  for (std::size_t row = 0; row < outer * a * b; ++row) {
    const std::size_t to = (row / (a * b) * b + row % b) * a + row / b % a;
    std::memcpy(&result[to * inner], &values[row * inner], inner * sizeof(float));
  }
  return result;
}

class GoldenCase {
 public:
  GoldenCase(OpRun& run, const Json& json) : run_(run), json_(json) {}

  std::uint32_t number(const char* key) const { return json_.at(key).get<std::uint32_t>(); }
  bool flag(const char* key) const { return json_.value(key, false); }
  float real(const char* key) const { return json_.at(key).get<float>(); }
  std::string text(const char* key) const { return json_.at(key).get<std::string>(); }

  std::vector<float> values(const char* input) const {
    const Json& of = json_.at("inputs").at(input);
    std::size_t count = 1;
    for (const std::size_t extent : of.at("shape")) count *= extent;
    auto result = numbers(count, of.at("seed").get<std::uint32_t>(), of.at("scale").get<float>());
    const float offset = std::string_view(input) == "x" ? json_.value("offset", 0.0f) : 0.0f;
    for (float& value : result) value += offset;
    return result;
  }

  Tensor weight(const char* input) const {
    const auto dims = json_.at("inputs").at(input).at("shape").get<std::vector<std::int64_t>>();
    return run_.weight(dims, values(input));
  }

  // Input x, stored as [n, c, h, w].
  Tensor picture(std::uint32_t channels) const {
    const std::uint32_t height = number("h"), width = number("w");
    return run_.input({number("n"), height, width, channels},
                      swapped(values("x"), channels, std::size_t(height) * width, 1));
  }

  // The result of a picture operation, as [n, c, h, w].
  std::vector<float> run_picture(Tensor y) const {
    return swapped(run_.run(y), y.shape().pixels(), y.channels(), 1);
  }

  Tensor rows(std::uint32_t rows, std::uint32_t channels) const {
    return run_.input({1, 1, rows, channels}, values("x"));
  }

  // An input of attention, stored as [n, heads, tokens, d].
  Tensor tokens(const char* input, const char* count) const {
    const std::uint32_t heads = number("heads"), d = number("d");
    return run_.input({number("n"), 1, number(count), heads * d},
                      swapped(values(input), heads, number(count), d));
  }

  OpRun& run() const { return run_; }

 private:
  OpRun& run_;
  const Json& json_;
};

std::vector<float> convolution(const GoldenCase& of) {
  return of.run_picture(conv2d(of.picture(of.number("ci")), of.weight("weight"), of.weight("bias"),
                               {.stride = of.number("stride")}));
}

std::vector<float> linear_layer(const GoldenCase& of) {
  return of.run().run(
      linear(of.rows(of.number("m"), of.number("ci")), of.weight("weight"), of.weight("bias")));
}

std::vector<float> attention_heads(const GoldenCase& of) {
  const Tensor y = attention(of.tokens("q", "q"), of.tokens("k", "kv"), of.tokens("v", "kv"),
                             of.number("heads"), of.flag("causal"));
  return swapped(of.run().run(y), of.number("q"), of.number("heads"), of.number("d"));
}

std::vector<float> group_normalization(const GoldenCase& of) {
  return of.run_picture(group_norm(of.picture(of.number("c")), of.weight("weight"),
                                   of.weight("bias"), of.number("groups"), of.real("eps")));
}

std::vector<float> layer_normalization(const GoldenCase& of) {
  return of.run().run(layer_norm(of.rows(of.number("m"), of.number("c")), of.weight("weight"),
                                 of.weight("bias"), of.real("eps")));
}

std::vector<float> gated(const GoldenCase& of) {
  return of.run().run(geglu(of.rows(of.number("m"), 2 * of.number("c"))));
}

std::vector<float> activation(const GoldenCase& of) {
  const Tensor x = of.rows(1, of.number("n"));
  const std::string name = of.text("f");
  return of.run().run(name == "silu" ? silu(x) : name == "gelu" ? gelu(x) : quick_gelu(x));
}

std::vector<float> upsampled(const GoldenCase& of) {
  return of.run_picture(
      upsample_nearest(of.picture(of.number("c")), of.number("oh"), of.number("ow")));
}

struct Kind {
  std::vector<float> (*run)(const GoldenCase&);
  double half_tolerance;  // README.txt
};

const std::map<std::string, Kind> kKinds = {
    {"conv", {convolution, 1e-3}},       {"linear", {linear_layer, 1e-3}},
    {"attn", {attention_heads, 3e-3}},   {"gn", {group_normalization, 1e-3}},
    {"ln", {layer_normalization, 1e-3}}, {"geglu", {gated, 1e-3}},
    {"act", {activation, 1e-3}},         {"up", {upsampled, 1e-3}},
};

std::vector<std::size_t> indices(const WeightSource& source, const std::string& name) {
  std::vector<std::int64_t> values(std::size_t(source.find(name).value().dims.at(0)));
  source.read(name, std::as_writable_bytes(std::span(values)));
  return {values.begin(), values.end()};
}

// The samples by their nrmse; the sums of the 16 parts of the result so that every element counts.
void compare(const std::vector<float>& actual, const WeightSource& golden, const std::string& name,
             double rms, double tolerance) {
  const auto samples = read_as_f32(golden, name + "/value");
  const auto at = indices(golden, name + "/index");
  double squares = 0.0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const double error = double(actual.at(at[i])) - double(samples[i]);
    squares += error * error;
  }
  EXPECT_LE(std::sqrt(squares / double(samples.size())), tolerance * rms);
  const auto sums = read_as_f32(golden, name + "/block_sums");
  const std::size_t part = actual.size() / sums.size();
  for (std::size_t block = 0; block < sums.size(); ++block) {
    double sum = 0.0;
    for (std::size_t i = 0; i < part; ++i) sum += double(actual[block * part + i]);
    EXPECT_NEAR(sum, double(sums[block]), tolerance * rms * double(part)) << "part " << block;
  }
}

void check_kind(const std::string& wanted) {
  const Json cases = read_json(kFolder + "golden.json");
  const WeightSourcePtr golden = open_weights(kFolder + "golden.safetensors");
  const Kind& kind = kKinds.at(wanted);
  int checked = 0;
  for (const auto& [name, json] : cases.items()) {
    if (!json.contains("kind") || json["kind"] != wanted) continue;
    const bool has_offset = json.contains("offset");  // meant for float32
    for (const DType element : element_types()) {
      if (has_offset && element == DType::f16) continue;
      SCOPED_TRACE(name + " " + std::string(to_text(element)));
      OpRun run(element);
      const auto actual = kind.run(GoldenCase(run, json));
      const double f32_tolerance = has_offset ? 1e-3 : 1e-5;
      compare(actual, *golden, name, json.at("rms").get<double>(),
              element == DType::f16 ? kind.half_tolerance : f32_tolerance);
      ++checked;
    }
  }
  EXPECT_GT(checked, 0);
}

TEST(GoldenOps, Convolutions) { check_kind("conv"); }
TEST(GoldenOps, LinearLayers) { check_kind("linear"); }
TEST(GoldenOps, Attention) { check_kind("attn"); }
TEST(GoldenOps, GroupNorms) { check_kind("gn"); }
TEST(GoldenOps, LayerNorms) { check_kind("ln"); }
TEST(GoldenOps, GatedActivations) { check_kind("geglu"); }
TEST(GoldenOps, Activations) { check_kind("act"); }
TEST(GoldenOps, NearestUpsampling) { check_kind("up"); }

TEST(GoldenOps, LeaveOutOnlySoftmaxWhichIsPartOfAttention) {
  std::set<std::string> unknown;
  const Json cases = read_json(kFolder + "golden.json");
  for (const Json& json : cases) {
    if (json.contains("kind") && !kKinds.contains(json["kind"])) unknown.insert(json["kind"]);
  }
  EXPECT_EQ(unknown, std::set<std::string>{"softmax"});
}

TEST(GoldenOps, ComeFromTheHashTheTestsUse) {
  const Json cases = read_json(kFolder + "golden.json");
  const Json& hash = cases.at("_hash_test");
  EXPECT_EQ(numbers(8, 1), hash.at("values").get<std::vector<float>>());
  EXPECT_EQ(numbers(8, 123), hash.at("seed_123_first8").get<std::vector<float>>());
}

}  // namespace
}  // namespace kiln::test
