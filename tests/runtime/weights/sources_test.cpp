// Sources that wrap sources, folders of shards, and choosing a format.
#include <cmath>

#include "made_files.h"
#include "runtime/base/half.h"
#include "runtime/weights/folder.h"
#include "runtime/weights/joined.h"
#include "runtime/weights/open_weights.h"
#include "runtime/weights/renamed.h"
#include "runtime/weights/safetensors.h"
#include "runtime/weights/safetensors_writer.h"
#include "runtime/weights/synthetic.h"
#include "runtime/weights/weights.h"

namespace kiln {
namespace {

// A file that holds one vector of one value under the name.
void write_one(const std::filesystem::path& path, const std::string& name, float value) {
  write_safetensors(path, {{name, DType::f32, {1}, std::as_bytes(std::span(&value, 1))}});
}

float value_of(const WeightSource& source, std::string_view name) {
  return read_as_f32(source, name).at(0);
}

WeightSourcePtr six_floats(const testing::TemporaryFolder& folder) {
  const std::vector<float> values{0, 1, 2, 3, 4, 5};
  const auto bytes = std::as_bytes(std::span(values));
  const auto path = folder.path() / "six.safetensors";
  write_safetensors(path, {{"old.matrix", DType::f32, {3, 2}, bytes},
                           {"old.conv", DType::f32, {3, 2, 1, 1}, bytes},
                           {"old.extra", DType::f32, {6}, bytes}});
  return open_weights(path);
}

TEST(Renamed, CutsSqueezesAndTransposes) {
  const testing::TemporaryFolder folder;
  const Renamed source(
      six_floats(folder),
      {{"plain", "old.matrix", {}},
       {"rows", "old.matrix", {.first_row = 1, .row_count = 2}},
       {"turned", "old.matrix", {.transpose = true}},
       {"flat", "old.conv", {.squeeze = true}},
       {"both", "old.conv", {.first_row = 1, .row_count = 2, .squeeze = true, .transpose = true}},
       {"gone", "old.absent", {}}});
  EXPECT_EQ(source.names(), (std::vector<std::string>{"both", "flat", "plain", "rows", "turned"}));
  EXPECT_EQ(source.unclaimed(), (std::vector<std::string>{"old.extra"}));
  EXPECT_EQ(source.find("gone"), std::nullopt);
  EXPECT_EQ(source.find("old.matrix"), std::nullopt);
  EXPECT_EQ(source.find("rows")->dims, (std::vector<std::int64_t>{2, 2}));
  EXPECT_EQ(read_as_f32(source, "rows"), (std::vector<float>{2, 3, 4, 5}));
  EXPECT_EQ(source.find("turned")->dims, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(read_as_f32(source, "turned"), (std::vector<float>{0, 2, 4, 1, 3, 5}));
  EXPECT_EQ(source.find("flat")->dims, (std::vector<std::int64_t>{3, 2}));
  EXPECT_EQ(read_as_f32(source, "flat"), (std::vector<float>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(read_as_f32(source, "both"), (std::vector<float>{2, 4, 3, 5}));
  EXPECT_EQ(source.name_in_file("rows"), "old.matrix");
}

TEST(Renamed, RefusesTransformsThatDoNotFit) {
  const testing::TemporaryFolder folder;
  const auto inner = six_floats(folder);
  const Renamed source(inner, {{"rows", "old.matrix", {.first_row = 2, .row_count = 2}},
                               {"negative", "old.matrix", {.first_row = -1, .row_count = 2}},
                               {"turned", "old.conv", {.transpose = true}}});
  testing::expect_one_line_error([&] { source.find("rows"); }, "'old.matrix' has fewer than 4");
  testing::expect_one_line_error([&] { source.find("negative"); }, "'old.matrix' has fewer");
  testing::expect_one_line_error([&] { source.find("turned"); }, "'old.conv' is not a matrix");
  testing::expect_one_line_error(
      [&] {
        Renamed(inner, {{"a", "old.conv", {}}, {"a", "old.extra", {}}});
      },
      "renamed to 'a'");
}

TEST(Renamed, APrefixCanBeDropped) {
  const testing::TemporaryFolder folder;
  EXPECT_EQ(without_prefix(six_floats(folder), "old.")->names(),
            (std::vector<std::string>{"conv", "extra", "matrix"}));
}

TEST(Joined, TheLongestPrefixDecides) {
  const testing::TemporaryFolder folder;
  write_one(folder.path() / "a.safetensors", "w", 1);
  write_one(folder.path() / "b.safetensors", "w", 2);
  const auto a = open_weights(folder.path() / "a.safetensors");
  const auto b = open_weights(folder.path() / "b.safetensors");
  const Joined source("model", {{"unet.", a}, {"unet.inner.", b}});
  EXPECT_EQ(source.names(), (std::vector<std::string>{"unet.inner.w", "unet.w"}));
  EXPECT_EQ(value_of(source, "unet.w"), 1);
  EXPECT_EQ(value_of(source, "unet.inner.w"), 2);
  EXPECT_EQ(source.find("vae.w"), std::nullopt);
  EXPECT_FALSE(source.accepts_any_shape("unet.w"));
  testing::expect_one_line_error([&] { source.read("vae.w", {}); }, "has no tensor 'vae.w'");
  testing::expect_one_line_error([&] { Joined("model", {{"x.", a}, {"x.", b}}); }, "under 'x.'");
}

TEST(Synthetic, ValuesDependOnSeedNameAndIndexAlone) {
  const auto values = [](std::uint64_t seed, std::string_view name, std::int64_t rows) {
    const Synthetic source(seed, DType::f32);
    const std::vector<std::int64_t> dims{rows, 300};
    std::vector<float> out(std::size_t(rows) * 300);
    source.read_shaped(name, dims, std::as_writable_bytes(std::span(out)));
    return out;
  };
  const auto first = values(1, "a.weight", 100);
  EXPECT_EQ(first, values(1, "a.weight", 100));
  EXPECT_NE(first, values(2, "a.weight", 100));
  EXPECT_NE(first, values(1, "b.weight", 100));
  const auto fewer = values(1, "a.weight", 10);
  EXPECT_TRUE(std::equal(fewer.begin(), fewer.end(), first.begin()));
  double sum = 0, squares = 0;
  for (const float value : first) sum += value, squares += double(value) * value;
  EXPECT_NEAR(sum / 30000, 0, 0.002);
  EXPECT_NEAR(std::sqrt(squares / 30000 * 300), 1, 0.02);
}

TEST(Synthetic, NormsStayNearOneAndBiasesNearZero) {
  const Synthetic source(7, DType::f16, [](std::string_view name) { return name == "none"; });
  for (const auto& [name, centre] : {std::pair("norm.weight", 1.0f), std::pair("a.bias", 0.0f)}) {
    std::vector<std::uint16_t> halves(64);
    source.read(name, std::as_writable_bytes(std::span(halves)));
    for (const std::uint16_t half : halves) {
      EXPECT_NEAR(float_from_half(half), centre, 0.101f) << name;
    }
  }
  EXPECT_EQ(source.find("none"), std::nullopt);
  EXPECT_FALSE(source.accepts_any_shape("none"));
  EXPECT_TRUE(source.accepts_any_shape("some"));
  std::byte byte;
  testing::expect_one_line_error([&] { source.read("x", std::span(&byte, 1)); }, "wrong size");
  testing::expect_one_line_error([] { Synthetic(1, DType::i64); }, "F32 or F16, not I64");
}

TEST(Folder, TakesThePlainFileUnlessAnotherIsAskedForOrAlone) {
  const testing::TemporaryFolder folder;
  testing::expect_one_line_error([&] { open_component_folder(folder.path()); }, "holds no weights");
  write_one(folder.path() / "model.fp16.safetensors", "w", 16);
  EXPECT_EQ(value_of(*open_component_folder(folder.path()), "w"), 16);
  write_one(folder.path() / "diffusion_pytorch_model.safetensors", "w", 32);
  EXPECT_EQ(value_of(*open_component_folder(folder.path()), "w"), 32);
  EXPECT_EQ(value_of(*open_component_folder(folder.path(), {.variant = "fp16"}), "w"), 16);
  EXPECT_EQ(value_of(*open_weights(folder.path()), "w"), 32);
}

TEST(Folder, ReadsBinFilesAsCheckpoints) {
  const testing::TemporaryFolder folder;
  const std::string pickle = testing::PickleWriter()
                                 .raw("}")
                                 .text("w")
                                 .tensor("FloatStorage", "0", 1, 0, {1}, {1})
                                 .raw("s")
                                 .done();
  folder.write("pytorch_model.bin",
               testing::make_checkpoint(pickle, {testing::raw<float>({4.0f})}));
  EXPECT_EQ(value_of(*open_component_folder(folder.path()), "w"), 4);
}

TEST(Folder, JoinsShards) {
  const testing::TemporaryFolder folder;
  write_one(folder.path() / "m-1.safetensors", "a", 1);
  write_one(folder.path() / "m-2.safetensors", "b", 2);
  const std::string index =
      R"({"metadata":{"total_size":8},"weight_map":{"a":"m-1.safetensors","b":"m-2.safetensors"}})";
  for (const char* name : {"model.safetensors.index.json", "model.safetensors.index.fp16.json",
                           "model.fp16.safetensors.index.json"}) {
    folder.write(name, index);
    const auto source = open_component_folder(folder.path());
    EXPECT_EQ(source->names(), (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(value_of(*source, "b"), 2);
    EXPECT_EQ(source->find("c"), std::nullopt);
    std::filesystem::remove(folder.path() / name);
  }
}

TEST(Folder, RefusesWrongIndexes) {
  const testing::TemporaryFolder folder;
  write_one(folder.path() / "m-1.safetensors", "a", 1);
  const std::vector<testing::BadCase> cases = {
      {"shard missing", R"({"weight_map":{"a":"m-2.safetensors"}})", "which is missing"},
      {"tensor elsewhere", R"({"weight_map":{"b":"m-1.safetensors"}})", "does not hold it"},
      {"outside", R"({"weight_map":{"a":"../m-1.safetensors"}})", "no file name"},
      {"absolute", R"({"weight_map":{"a":"/m-1.safetensors"}})", "no file name"},
      {"parent", R"({"weight_map":{"a":".."}})", "no file name"},
      {"number", R"({"weight_map":{"a":1}})", "no file name"},
      {"zero byte", R"({"weight_map":{"a":"m\u0000"}})", "no file name"},
      {"empty map", R"({"weight_map":{}})", "lists no tensors"},
      {"no map", R"({"metadata":{}})", "no weight_map"},
      {"list", R"([1])", "no weight_map"},
      {"not JSON", "{", "not valid JSON"},
  };
  for (const auto& bad : cases) {
    SCOPED_TRACE(bad.name);
    folder.write("model.safetensors.index.json", bad.file);
    testing::expect_one_line_error([&] { open_component_folder(folder.path()); },
                                   bad.expected_part);
  }
}

TEST(OpenWeights, NamesWhatItFoundInstead) {
  const testing::TemporaryFolder folder;
  const std::vector<testing::BadCase> cases = {
      {"empty", "", "is empty"},
      {"gguf", "GGUF\3\0\0\0", "is a GGUF file; supported are"},
      {"old torch", "\x80\x02\x8a\x0al\xfc\x9c", "the format before 1.6"},
      {"bare pickle", "\x80\x04}.", "a bare Python pickle"},
      {"pointer", "version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"},
      {"page", "<!DOCTYPE html>", "a web page"},
      {"text", "hello world", "first bytes are 68 65 6c 6c 6f 20 77 6f"},
      {"one byte", "x", "unknown format (its first bytes are 78)"},
  };
  for (const auto& bad : cases) {
    SCOPED_TRACE(bad.name);
    const auto path = folder.write("weights", bad.file);
    testing::expect_one_line_error([&] { open_weights(path); }, bad.expected_part);
  }
  testing::expect_one_line_error([&] { open_weights(folder.path() / "absent"); }, "No such file");
}

TEST(OpenWeights, LenientReadingWarns) {
  const testing::TemporaryFolder folder;
  const auto path = folder.write(
      "a.safetensors",
      testing::safetensors_file(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", "ab"));
  testing::expect_one_line_error([&] { open_weights(path); }, "1 bytes follow");
  std::vector<std::string> warnings;
  const auto source = open_weights(
      path, {.lenient = true, .warn = [&](std::string_view line) { warnings.emplace_back(line); }});
  EXPECT_EQ(value_of(*source, "a"), 'a');
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings[0].find("a.safetensors] 1 bytes follow"), std::string::npos);
}

}  // namespace
}  // namespace kiln
