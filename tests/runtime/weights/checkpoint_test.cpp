// Checkpoints as torch.save writes them, and as an attacker would.
#include "runtime/weights/checkpoint.h"

#include <cstdlib>

#include "made_files.h"
#include "runtime/weights/safetensors.h"
#include "runtime/weights/weights.h"

namespace kiln {
namespace {

using testing::bytes_of;
using testing::make_checkpoint;
using testing::make_zip;
using testing::PickleWriter;
using testing::raw;
using testing::ZipOptions;

std::shared_ptr<const Checkpoint> parse(const std::string& file) {
  return Checkpoint::parse(bytes_of(file), "a.ckpt");
}

const std::string kSix = raw<float>({0, 1, 2, 3, 4, 5});

// {"w": six floats with these dims and strides}
std::string six(std::uint32_t offset, const std::vector<std::uint32_t>& dims,
                const std::vector<std::uint32_t>& strides) {
  return PickleWriter()
      .raw("}")
      .text("w")
      .tensor("FloatStorage", "0", 6, offset, dims, strides)
      .raw("s")
      .done();
}

TEST(Checkpoint, ReadsStridesOffsetsAndExpandedTensors) {
  const auto read = [](const std::string& pickle, bool deflate) {
    const std::string file = make_checkpoint(pickle, {kSix}, {}, deflate);
    return read_as_f32(*parse(file), "w");
  };
  for (const bool deflate : {false, true}) {
    EXPECT_EQ(read(six(0, {2, 3}, {3, 1}), deflate), (std::vector<float>{0, 1, 2, 3, 4, 5}));
    EXPECT_EQ(read(six(0, {3, 2}, {1, 3}), deflate), (std::vector<float>{0, 3, 1, 4, 2, 5}));
    EXPECT_EQ(read(six(2, {2}, {1}), deflate), (std::vector<float>{2, 3}));
    EXPECT_EQ(read(six(1, {2, 2}, {2, 0}), deflate), (std::vector<float>{1, 1, 3, 3}));
    EXPECT_EQ(read(six(5, {}, {}), deflate), (std::vector<float>{5}));
    EXPECT_EQ(read(six(6, {0}, {1}), deflate), (std::vector<float>{}));
    EXPECT_EQ(read(six(3, {1, 3}, {77, 1}), deflate), (std::vector<float>{3, 4, 5}));
  }
}

TEST(Checkpoint, ReadsZip64AndSharedStorages) {
  const std::string pickle = PickleWriter()
                                 .raw("}(")
                                 .text("a")
                                 .tensor("HalfStorage", "0", 3, 0, {1}, {1})
                                 .text("b")
                                 .tensor("HalfStorage", "0", 3, 1, {2}, {1})
                                 .raw("u")
                                 .done();
  const std::string file =
      make_checkpoint(pickle, {raw<std::uint16_t>({0x3c00, 0x4000, 0xc000})}, {.zip64 = true});
  const auto source = parse(file);
  EXPECT_EQ(source->find("a"), (TensorInfo{DType::f16, {1}}));
  EXPECT_EQ(read_as_f32(*source, "b"), (std::vector<float>{2, -2}));
}

TEST(Checkpoint, TakesStateDictAndPassesOverTheRest) {
  const std::string pickle = PickleWriter()
                                 .raw("}(")
                                 .text("epoch")
                                 .integer(6)
                                 .text("outside")
                                 .tensor("FloatStorage", "0", 6, 0, {6}, {1})
                                 .text("callbacks")
                                 .raw("}")
                                 .global("pytorch_lightning.callbacks", "ModelCheckpoint")
                                 .raw("}s")
                                 .text("state_dict")
                                 .global("collections", "OrderedDict")
                                 .raw(")R(")
                                 .text("w")
                                 .tensor("FloatStorage", "0", 6, 0, {6}, {1})
                                 .text("n")
                                 .raw("}")
                                 .text("m")
                                 .tensor("FloatStorage", "0", 6, 3, {1}, {1})
                                 .raw("s")
                                 .raw("u}")
                                 .text("_metadata")
                                 .raw("}sbu")
                                 .done();
  const std::string file = make_checkpoint(pickle, {kSix});
  EXPECT_EQ(parse(file)->names(), (std::vector<std::string>{"n.m", "w"}));
  EXPECT_EQ(read_as_f32(*parse(file), "n.m"), (std::vector<float>{3}));
}

TEST(Checkpoint, UnwrapsParameters) {
  const std::string pickle = PickleWriter()
                                 .raw("}")
                                 .text("w")
                                 .global("torch._utils", "_rebuild_parameter")
                                 .raw("(")
                                 .tensor("FloatStorage", "0", 6, 0, {6}, {1})
                                 .raw("\x89")
                                 .global("collections", "OrderedDict")
                                 .raw(")RtRs")
                                 .done();
  const std::string file = make_checkpoint(pickle, {kSix});
  EXPECT_EQ(read_as_f32(*parse(file), "w").size(), 6u);
}

TEST(Checkpoint, BadTensorsHurtOnlyWhenAskedFor) {
  const std::string pickle = PickleWriter()
                                 .raw("}(")
                                 .text("good")
                                 .tensor("FloatStorage", "0", 6, 0, {6}, {1})
                                 .text("complex")
                                 .tensor("ComplexFloatStorage", "0", 3, 0, {3}, {1})
                                 .text("foreign")
                                 .tensor("EvilStorage", "0", 3, 0, {3}, {1})
                                 .text("beyond")
                                 .tensor("FloatStorage", "0", 6, 1, {6}, {1})
                                 .text("strides")
                                 .tensor("FloatStorage", "0", 6, 0, {2, 2}, {0x7fffffff, 1})
                                 .text("lying")
                                 .tensor("FloatStorage", "0", 600, 0, {600}, {1})
                                 .text("lost")
                                 .tensor("FloatStorage", "9", 6, 0, {6}, {1})
                                 .text("negative")
                                 .tensor("FloatStorage", "0", 6, 0, {0xffffffff}, {1})
                                 .raw("u")
                                 .done();
  const std::string file = make_checkpoint(pickle, {kSix});
  const auto source = parse(file);
  EXPECT_EQ(read_as_f32(*source, "good").size(), 6u);
  const auto refuses = [&](const char* name, const char* part) {
    testing::expect_one_line_error([&] { source->find(name); }, part);
  };
  refuses("complex", "ComplexFloatStorage, an element type that is not supported");
  refuses("foreign", "EvilStorage, an element type that is not supported");
  refuses("beyond", "needs elements 1 to 6 of a storage that holds 6");
  refuses("strides", "of a storage that holds 6");
  refuses("lying", "of a storage that holds 6");
  refuses("lost", "needs storage '9'");
  EXPECT_EQ(source->find("negative"), std::nullopt);  // not a tensor at all
}

TEST(Checkpoint, RefusesDamagedArchives) {
  const std::string pickle = six(0, {6}, {1});
  const std::string good = make_checkpoint(pickle, {kSix});
  const std::string big_endian = make_zip({{"x/data.pkl", pickle}, {"x/byteorder", "big"}});
  std::string two_of_a_name = make_zip({{"x/data.pkl", pickle}, {"x/data.pkl", pickle}});
  const std::vector<testing::BadCase> cases = {
      {"empty", "", "too short"},
      {"cut in half", good.substr(0, good.size() / 2), "without its end"},
      {"start cut off", good.substr(100), "ZIP archive"},
      {"no pickle", make_zip({{"a", "b"}}), "without data.pkl"},
      {"big endian", big_endian, "byte order 'big'"},
      {"two of a name", two_of_a_name, "two entries named"},
      {"wrong checksum", make_checkpoint(pickle, {kSix}, {.wrong_checksum = true}), "checksum"},
      {"bzip2", make_checkpoint(pickle, {kSix}, {.method = 12}), "compression method 12"},
      {"encrypted", make_checkpoint(pickle, {kSix}, {.flags = 1}), "encrypted"},
      {"stored but larger", make_checkpoint(pickle, {kSix}, {.claimed_bytes = 9999}),
       "states 9999 bytes"},
      {"bomb", make_checkpoint(pickle, {kSix}, {.claimed_bytes = 50'000'000}, true),
       "states 50000000 bytes"},
      {"enormous", make_checkpoint(pickle, {kSix}, {.zip64 = true, .claimed_bytes = 1ll << 62}),
       "the limit is"},
      {"offset outside", make_checkpoint(pickle, {kSix}, {.claimed_offset = 1 << 30}), "outside"},
      {"offset overflows",
       make_checkpoint(pickle, {kSix}, {.zip64 = true, .claimed_offset = 0x7ffffffffffffff0}),
       "outside"},
      {"text", "PK\3\4 is how a ZIP archive begins, but this is none.", "without its end"},
  };
  for (const auto& bad : cases) {
    SCOPED_TRACE(bad.name);
    testing::expect_one_line_error([&] { parse(bad.file); }, bad.expected_part);
  }
}

TEST(Checkpoint, NeverUnpacksMoreThanATensorNeeds) {
  // A megabyte of zeros packs to a kilobyte; the tensor's four bytes are all that is taken.
  const std::string zeros(1 << 20, '\0');
  const std::string pickle = PickleWriter()
                                 .raw("}")
                                 .text("w")
                                 .tensor("FloatStorage", "0", 1 << 18, 7, {1}, {1})
                                 .raw("s")
                                 .done();
  const std::string file = make_checkpoint(pickle, {zeros}, {}, true);
  EXPECT_LT(file.size(), 4096u);
  EXPECT_EQ(read_as_f32(*parse(file), "w"), (std::vector<float>{0}));
}

TEST(Checkpoint, RefusesADamagedCompressedStorageWhenRead) {
  std::string file = make_checkpoint(six(0, {6}, {1}), {kSix}, {}, true);
  const std::size_t name = file.find("archive/data/0");
  for (std::size_t i = 0; i < 4; ++i) file[name + 14 + i] = '\xff';
  const auto source = parse(file);
  testing::expect_one_line_error([&] { read_as_f32(*source, "w"); }, "damaged compressed entry");
}

TEST(Checkpoint, MatchesTheSafetensorsFileOfTheSameModel) {
  const char* set = std::getenv("KILN_GOLDEN");
  const std::string golden = set != nullptr ? set : KILN_SOURCE_DIR "/tests/golden";
  const std::string folder = golden + "/sd15-tiny-singlefile/";
  const auto mixed = Checkpoint::open(folder + "sd15-tiny-mixed.ckpt");
  const auto reference = Safetensors::open(folder + "sd15-tiny-fp16.safetensors");
  std::size_t compared = 0;
  for (const std::string& name : reference->names()) {
    if (name.starts_with("model_ema.")) continue;
    const auto info = mixed->find(name);
    ASSERT_TRUE(info) << name;
    EXPECT_EQ(info->dims, reference->find(name)->dims) << name;
    EXPECT_EQ(read_as_f32(*mixed, name), read_as_f32(*reference, name)) << name;
    ++compared;
  }
  EXPECT_GT(compared, 900u);
}

}  // namespace
}  // namespace kiln
