// Safetensors: what the reference reader accepts is read, what it refuses is refused.
#include "runtime/weights/safetensors.h"

#include <bit>

#include "made_files.h"
#include "runtime/weights/safetensors_writer.h"
#include "runtime/weights/weights.h"

namespace kiln {
namespace {

using testing::bytes_of;
using testing::raw;
using testing::safetensors_file;

std::shared_ptr<const Safetensors> parse(const std::string& file,
                                         Strictness strictness = Strictness::strict) {
  return Safetensors::parse(bytes_of(file), "a.safetensors", strictness);
}

TEST(Safetensors, ReadsEveryFloatTypeItFinds) {
  const std::string header = R"({"__metadata__":{"format":"pt"},)"
                             R"("d":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},)"
                             R"("s":{"dtype":"F32","shape":[],"data_offsets":[8,12]},)"
                             R"("b":{"dtype":"BF16","shape":[2],"data_offsets":[12,16]},)"
                             R"("h":{"dtype":"F16","shape":[1,2],"data_offsets":[16,20]}}   )";
  const std::string data = raw<double>({1.5}) + raw<float>({-2.25f}) +
                           raw<std::uint16_t>({0x3f80, 0xc000}) +
                           raw<std::uint16_t>({0x3c00, 0xc000});
  const std::string file = safetensors_file(header, data);
  const auto source = parse(file);
  EXPECT_EQ(source->names(), (std::vector<std::string>{"b", "d", "h", "s"}));
  EXPECT_EQ(source->metadata().at("format"), "pt");
  EXPECT_EQ(source->find("h"), (TensorInfo{DType::f16, {1, 2}}));
  EXPECT_EQ(source->find("s"), (TensorInfo{DType::f32, {}}));
  EXPECT_EQ(source->find("absent"), std::nullopt);
  EXPECT_EQ(read_as_f32(*source, "d"), (std::vector<float>{1.5f}));
  EXPECT_EQ(read_as_f32(*source, "s"), (std::vector<float>{-2.25f}));
  EXPECT_EQ(read_as_f32(*source, "b"), (std::vector<float>{1.0f, -2.0f}));
  EXPECT_EQ(read_as_f32(*source, "h"), (std::vector<float>{1.0f, -2.0f}));
}

TEST(Safetensors, AcceptsNoTensorsEmptyTensorsAndUnknownKeys) {
  EXPECT_TRUE(parse(safetensors_file("{}"))->names().empty());
  const std::string file = safetensors_file(
      R"({"e":{"dtype":"F32","shape":[0,7],"data_offsets":[0,0],"note":{"x":[1,{"y":null}]}}})");
  EXPECT_EQ(read_as_f32(*parse(file), "e").size(), 0u);
}

TEST(Safetensors, ListsTypesItCannotReadAndRefusesThemByName) {
  const std::string file =
      safetensors_file(R"({"q":{"dtype":"F8_E4M3","shape":[3],"data_offsets":[0,3]},)"
                       R"("r":{"dtype":"F4","shape":[2],"data_offsets":[3,4]},)"
                       R"("u":{"dtype":"U8","shape":[1],"data_offsets":[4,5]}})",
                       "12345");
  const auto source = parse(file);
  EXPECT_EQ(source->names().size(), 3u);
  EXPECT_EQ(read_as_f32(*source, "u"), (std::vector<float>{'5'}));
  testing::expect_one_line_error([&] { source->find("q"); }, "'q' is F8_E4M3");
  testing::expect_one_line_error([&] { read_as_f32(*source, "r"); }, "'r' is F4");
}

TEST(Safetensors, RefusesToFillABufferOfAnotherSize) {
  const std::string file =
      safetensors_file(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})", "ab");
  const auto source = parse(file);
  std::vector<std::byte> three(3);
  testing::expect_one_line_error([&] { source->read("a", three); }, "2 bytes, 3 were asked for");
  testing::expect_one_line_error([&] { source->read("b", three); }, "has no tensor 'b'");
}

// A header with one tensor "a", of which `fields` is the inside.
std::string one(const std::string& fields, const std::string& data = "") {
  return safetensors_file("{\"a\":{" + fields + "}}", data);
}

std::string two(const std::string& first, const std::string& second, const std::string& data) {
  return safetensors_file(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":)" + first +
                              R"(},"b":{"dtype":"U8","shape":[2],"data_offsets":)" + second + "}}",
                          data);
}

std::vector<testing::BadCase> bad_layouts() {
  const std::string good = R"("dtype":"U8","shape":[2],"data_offsets":[0,2])";
  return {
      {"empty", "", "too short"},
      {"seven bytes", "1234567", "too short"},
      {"no header", testing::little_endian(0, 8), "does not start with '{'"},
      {"header beyond the file", testing::little_endian(100, 8) + "{}", "is only 10 bytes long"},
      {"header of 2^63", testing::little_endian(std::uint64_t(1) << 63, 8) + "{}", "the limit is"},
      {"header of 2^64 - 1", testing::little_endian(~0ull, 8) + "{}", "the limit is"},
      {"leading space", safetensors_file(" {}"), "does not start with '{'"},
      {"truncated data", one(good, "x"), "ends at byte 2 of 1"},
      {"bytes after the end", one(good, "xyz"), "1 bytes follow"},
      {"begins late", one(R"("dtype":"U8","shape":[2],"data_offsets":[1,3])", "xyz"),
       "1 unused bytes"},
      {"hole", two("[0,2]", "[3,5]", "abcde"), "1 unused bytes lie before tensor 'b'"},
      {"overlap", two("[0,2]", "[1,3]", "abc"), "'b' overlaps"},
      {"same bytes twice", two("[0,2]", "[0,2]", "ab"), "overlaps"},
      {"end before begin", one(R"("dtype":"U8","shape":[2],"data_offsets":[2,0])", "ab"),
       "ends at 0 before it begins at 2"},
      {"shape too large", one(R"("dtype":"U8","shape":[3],"data_offsets":[0,2])", "ab"),
       "needs 3 bytes for its shape but states 2"},
      {"type too wide", one(R"("dtype":"F32","shape":[2],"data_offsets":[0,2])", "ab"),
       "needs 8 bytes"},
      {"half a byte", one(R"("dtype":"F4","shape":[3],"data_offsets":[0,1])", "a"),
       "needs 2 bytes"},
      {"product overflows",
       one(R"("dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0])"),
       "impossible shape"},
      {"bits overflow", one(R"("dtype":"F64","shape":[1152921504606846976],"data_offsets":[0,0])"),
       "impossible shape"},
      {"extent beyond 2^63",
       one(R"("dtype":"U8","shape":[9223372036854775808],"data_offsets":[0,0])"),
       "has an extent of"},
  };
}

std::vector<testing::BadCase> bad_headers() {
  const std::string good = R"("dtype":"U8","shape":[],"data_offsets":[0,1])";
  return {
      {"unfinished", safetensors_file("{\"a\":"), "not valid JSON"},
      {"text after", safetensors_file("{}x"), "not valid JSON"},
      {"zero byte after", safetensors_file(std::string("{}\0", 3)), "not valid JSON"},
      {"two tensors of one name",
       safetensors_file("{\"a\":{" + good + "},\"a\":{" + good + "}}", "x"), "lists 'a' twice"},
      {"two metadata", safetensors_file(R"({"__metadata__":{},"__metadata__":{}})"), "twice"},
      {"key twice", one(R"("dtype":"U8",)" + good, "x"), "key 'dtype' twice"},
      {"metadata of numbers", safetensors_file(R"({"__metadata__":{"x":1}})"), "not a text"},
      {"metadata of lists", safetensors_file(R"({"__metadata__":{"x":[]}})"), "not a text"},
      {"metadata is a text", safetensors_file(R"({"__metadata__":"x"})"), "not an object"},
      {"tensor is a list", safetensors_file(R"({"a":[]})"), "'a' is a list"},
      {"tensor is a number", safetensors_file(R"({"a":5})"), "'a' is a number"},
      {"no type", one(R"("shape":[],"data_offsets":[0,1])", "x"), "has no dtype"},
      {"no shape", one(R"("dtype":"U8","data_offsets":[0,1])", "x"), "has no shape"},
      {"no offsets", one(R"("dtype":"U8","shape":[])", "x"), "has no data_offsets"},
      {"unknown type", one(R"("dtype":"F128","shape":[],"data_offsets":[0,16])"), "'F128'"},
      {"type is a number", one(R"("dtype":8,"shape":[],"data_offsets":[0,1])"), "dtype"},
      {"shape is a number", one(R"("dtype":"U8","shape":1,"data_offsets":[0,1])"), "shape"},
      {"shape in shape", one(R"("dtype":"U8","shape":[[1]],"data_offsets":[0,1])"), "shape"},
      {"negative extent", one(R"("dtype":"U8","shape":[-1],"data_offsets":[0,1])"), "negative"},
      {"fraction", one(R"("dtype":"U8","shape":[1.5],"data_offsets":[0,1])"), "no integer"},
      {"NaN length", one(R"("dtype":"U8","shape":[NaN],"data_offsets":[0,1])"), "not valid JSON"},
      {"exponent", one(R"("dtype":"U8","shape":[1e300],"data_offsets":[0,1])"), "no integer"},
      {"one offset", one(R"("dtype":"U8","shape":[],"data_offsets":[0])"), "fewer than two"},
      {"three offsets", one(R"("dtype":"U8","shape":[],"data_offsets":[0,1,2])"), "more than two"},
      {"text offset", one(R"("dtype":"U8","shape":[],"data_offsets":["0","1"])"), "data_offsets"},
      {"deep nesting", one("\"x\":" + std::string(100000, '[')), "nests deeper"},
      {"invalid UTF-8", safetensors_file("{\"\xff\":1}"), "not valid JSON"},
      {"line break in a name", safetensors_file("{\"a\\nb\":1}"), "'a?b' is a number"},
      {"65 extents",
       one(R"("dtype":"U8","shape":[1)" +
               [] {
                 std::string ones;
                 for (int i = 0; i < 64; ++i) ones += ",1";
                 return ones;
               }() +
               R"(],"data_offsets":[0,1])",
           "x"),
       "more than 64 dimensions"},
  };
}

TEST(Safetensors, RefusesFilesWhoseSizesDoNotAgree) {
  for (const auto& bad : bad_layouts()) {
    SCOPED_TRACE(bad.name);
    testing::expect_one_line_error([&] { parse(bad.file); }, bad.expected_part);
  }
}

TEST(Safetensors, RefusesHeadersOfAnotherForm) {
  for (const auto& bad : bad_headers()) {
    SCOPED_TRACE(bad.name);
    testing::expect_one_line_error([&] { parse(bad.file); }, bad.expected_part);
  }
}

TEST(Safetensors, LenientReadingWarnsOfHolesOverlapsAndTails) {
  EXPECT_EQ(parse(two("[0,2]", "[3,5]", "abcde"), Strictness::lenient)->warnings().size(), 1u);
  EXPECT_EQ(parse(two("[0,2]", "[0,2]", "ab"), Strictness::lenient)->warnings().size(), 1u);
  EXPECT_EQ(parse(two("[0,2]", "[2,4]", "abcde"), Strictness::lenient)->warnings().size(), 1u);
  EXPECT_TRUE(parse(two("[0,2]", "[2,4]", "abcd"), Strictness::lenient)->warnings().empty());
  testing::expect_one_line_error([] { parse(two("[0,2]", "[2,4]", "abc"), Strictness::lenient); },
                                 "ends at byte 4 of 3");
}

TEST(SafetensorsWriter, WritesWhatTheReaderReadsBack) {
  const testing::TemporaryFolder folder;
  const std::vector<float> wide{1, 2, 3, 4};
  const std::vector<std::uint8_t> narrow{7};
  const auto path = folder.path() / "out.safetensors";
  write_safetensors(path,
                    {{"z", DType::u8, {1}, std::as_bytes(std::span(narrow))},
                     {"b", DType::f32, {2, 2}, std::as_bytes(std::span(wide))},
                     {"a", DType::f32, {2, 2}, std::as_bytes(std::span(wide))}},
                    {{"prompt", "a \"b\"\n\xff"}});
  const auto source = Safetensors::open(path);
  EXPECT_EQ(source->names(), (std::vector<std::string>{"a", "b", "z"}));
  EXPECT_EQ(source->find("b"), (TensorInfo{DType::f32, {2, 2}}));
  EXPECT_EQ(read_as_f32(*source, "b"), wide);
  EXPECT_EQ(source->metadata().at("prompt"), "a \"b\"\n\xef\xbf\xbd");
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(source->bytes("a").data()) % 8, 0u);
  EXPECT_EQ(source->bytes("b").data() - source->bytes("a").data(), 16);
  EXPECT_EQ(folder.file_count(), 1u);
}

TEST(SafetensorsWriter, RefusesWrongSizesAndNamesGivenTwice) {
  const testing::TemporaryFolder folder;
  const std::vector<float> values{1, 2};
  const auto bytes = std::as_bytes(std::span(values));
  const auto path = folder.path() / "out.safetensors";
  testing::expect_one_line_error(
      [&] {
        write_safetensors(path, {{"a", DType::f32, {3}, bytes}});
      },
      "'a' does not have");
  testing::expect_one_line_error(
      [&] {
        write_safetensors(path, {{"a", DType::f32, {-2}, bytes}});
      },
      "'a' does not have");
  testing::expect_one_line_error(
      [&] {
        write_safetensors(path, {{"a", DType::f32, {2}, bytes}, {"a", DType::f32, {2}, bytes}});
      },
      "'a' is taken");
  EXPECT_EQ(folder.file_count(), 0u);
}

}  // namespace
}  // namespace kiln
