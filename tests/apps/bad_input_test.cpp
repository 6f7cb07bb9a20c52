// Wrong use and malformed files: one clear line, the right exit code, nothing left behind.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "tests/apps/program.h"

namespace kiln::test {
namespace {

namespace fs = std::filesystem;

const std::string kModel = KILN_SOURCE_DIR "/tests/golden/sd15-tiny";
const std::string kSingleFile =
    KILN_SOURCE_DIR "/tests/golden/sd15-tiny-singlefile/sd15-tiny-fp16.safetensors";

// A case: what to prepare in the folder, the arguments, what must come of it.
struct Case {
  std::string name;
  std::function<void(const TemporaryFolder&)> prepare;
  std::vector<std::string> arguments;
  int code = 1;
  std::string says;  // part of the message
  Environment environment = {};
};

void PrintTo(const Case& tested, std::ostream* out) { *out << tested.name; }

void nothing(const TemporaryFolder&) {}

std::vector<std::string> txt2img(std::vector<std::string> more, const std::string& model = kModel) {
  std::vector<std::string> all = {"txt2img", "-m", model, "-p", "x",  "--steps", "1",
                                  "-W",      "64", "-H",  "64", "-q", "-o",      "out.png"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

std::string safetensors(const std::string& header, const std::string& data = {}) {
  std::string bytes(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) bytes[i] = char(header.size() >> (8 * i));
  return bytes + header + data;
}

// The golden model with one file replaced or (empty text) left out.
std::function<void(const TemporaryFolder&)> model_with(const std::string& file,
                                                       const std::string& text,
                                                       bool remove = false) {
  return [=](const TemporaryFolder& folder) {
    fs::copy(kModel, folder.path() / "model", fs::copy_options::recursive);
    fs::remove_all(folder.path() / "model" / file);
    if (!remove) folder.write("model/" + file, text);
  };
}

std::string edited(const std::string& file, const std::string& from, const std::string& to) {
  std::string text = read_file(kModel + "/" + file);
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

Case file_case(const std::string& name, const std::string& bytes, const std::string& says) {
  return {name, [=](const TemporaryFolder& folder) { folder.write("m.safetensors", bytes); },
          txt2img({"--config", kModel}, "m.safetensors"), 1, says};
}

Case config_case(const std::string& name, const std::string& file, const std::string& from,
                 const std::string& to, const std::string& says) {
  return {name, model_with(file, edited(file, from, to)), txt2img({}, "model"), 1, says};
}

Case option_case(const std::string& name, std::vector<std::string> options,
                 const std::string& says) {
  return {name, nothing, txt2img(std::move(options)), 2, says};
}

std::vector<Case> safetensors_cases() {
  const std::string real = read_file(kSingleFile);
  const std::string one = R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
  std::string huge = safetensors("{}");
  huge[7] = '\x7f';
  return {
      file_case("EmptyFile", "", "m.safetensors"),
      file_case("ThreeBytes", "abc", "m.safetensors"),
      file_case("HugeHeader", huge, "m.safetensors"),
      file_case("TruncatedFile", real.substr(0, real.size() / 2), "m.safetensors"),
      file_case("TruncatedHeader", real.substr(0, 1000), "m.safetensors"),
      file_case("HeaderIsNoObject", safetensors("[1, 2]"), "m.safetensors"),
      file_case("HeaderIsNoJson", safetensors("{\"a\": }"), "m.safetensors"),
      file_case("DeepHeader", safetensors(std::string(100000, '[')), "m.safetensors"),
      file_case("DataTooShort", safetensors(one, "ab"), "m.safetensors"),
      file_case("DataTooLong", safetensors(one, "abcdefgh"), "m.safetensors"),
      file_case("NegativeExtent",
                safetensors(R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", "abcd"),
                "m.safetensors"),
      file_case("OverflowingShape",
                safetensors(R"({"a":{"dtype":"F32","shape":[4294967296,4294967296,16],)"
                            R"("data_offsets":[0,4]}})",
                            "abcd"),
                "m.safetensors"),
      file_case("ShapeLies",
                safetensors(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", "abcd"),
                "m.safetensors"),
      file_case("Overlap",
                safetensors(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
                            R"("b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}})",
                            "abcdef"),
                "m.safetensors"),
      file_case("Hole",
                safetensors(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
                            R"("b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}})",
                            "abcdefghijkl"),
                "m.safetensors"),
      file_case("EndBeforeBegin",
                safetensors(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})", "abcd"),
                "m.safetensors"),
      file_case("DuplicateKey",
                safetensors(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
                            R"("a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
                            "abcd"),
                "m.safetensors"),
      file_case("UnknownType",
                safetensors(R"({"a":{"dtype":"F99","shape":[1],"data_offsets":[0,4]}})", "abcd"),
                "m.safetensors"),
      file_case("NoCheckpoint", safetensors(one, "abcd"), "no Stable Diffusion checkpoint"),
      file_case("Gguf", std::string("GGUF\3\0\0\0", 8) + std::string(64, '\0'), "GGUF"),
      file_case("WebPage", "<!DOCTYPE html><html></html>", "m.safetensors"),
      file_case("GitLfsPointer", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
                "LFS"),
  };
}

// Pickles of a few bytes, in the place where torch.save puts them; the archive is not compressed.
std::string zip_with_pickle(const std::string& pickle) {
  const std::string name = "archive/data.pkl";
  const auto le = [](std::uint64_t value, int bytes) {
    std::string text;
    for (int i = 0; i < bytes; ++i) text += char(value >> (8 * i));
    return text;
  };
  std::uint32_t crc = 0xffffffffu;
  for (const char c : pickle) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (0xedb88320u & (0u - (crc & 1)));
  }
  crc = ~crc;
  const std::string sizes = le(crc, 4) + le(pickle.size(), 4) + le(pickle.size(), 4);
  const std::string local = "PK\3\4" + le(20, 2) + le(0, 2) + le(0, 2) + le(0, 4) + sizes +
                            le(name.size(), 2) + le(0, 2) + name + pickle;
  const std::string central = "PK\1\2" + le(20, 2) + le(20, 2) + le(0, 2) + le(0, 2) + le(0, 4) +
                              sizes + le(name.size(), 2) + le(0, 2) + le(0, 2) + le(0, 2) +
                              le(0, 2) + le(0, 4) + le(0, 4) + name;
  return local + central + "PK\5\6" + le(0, 4) + le(1, 2) + le(1, 2) + le(central.size(), 4) +
         le(local.size(), 4) + le(0, 2);
}

Case pickle_case(const std::string& name, const std::string& pickle) {
  return {name,
          [=](const TemporaryFolder& folder) { folder.write("m.ckpt", zip_with_pickle(pickle)); },
          txt2img({"--config", kModel}, "m.ckpt"), 1, "m.ckpt"};
}

std::vector<Case> pickle_cases() {
  using std::string_literals::operator""s;
  const std::string real =
      read_file(KILN_SOURCE_DIR "/tests/golden/sd15-tiny-singlefile/sd15-tiny-mixed.ckpt");
  const auto truncated = [=](std::size_t size) {
    return [=](const TemporaryFolder& folder) { folder.write("m.ckpt", real.substr(0, size)); };
  };
  return {
      // os.system("touch pwned"), the classic.
      pickle_case("PickleCallsSystem",
                  "\x80\x02"
                  "cos\nsystem\nX\x0b\0\0\0touch pwned\x85R."s),
      pickle_case("PickleCallsEval",
                  "\x80\x02"
                  "cbuiltins\neval\nX\x15\0\0\0open('pwned','w').a()\x85R."s),
      pickle_case("PickleInst", "\x80\x02(X\x0b\0\0\0touch pwnedios\nsystem\n."s),
      pickle_case("PickleBuild",
                  "\x80\x02"
                  "cos\nsystem\n}b."s),
      pickle_case("PickleEmpty", ""),
      pickle_case("PickleUnknownOpcode", "\x80\x02\xff."s),
      pickle_case("PickleStackUnderflow", "\x80\x02R."s),
      pickle_case("PickleHugeString",
                  "\x80\x02X\xff\xff\xff\x7f"
                  "a."s),
      pickle_case("PickleMemoMissing", "\x80\x02h\x05."s),
      pickle_case("PickleNoStop", "\x80\x02}"s),
      pickle_case("PickleNoTensors", "\x80\x02}."s),
      {"CkptTruncated", truncated(real.size() / 2), txt2img({"--config", kModel}, "m.ckpt"), 1,
       "m.ckpt"},
      {"CkptCutInDirectory", truncated(real.size() - 10), txt2img({"--config", kModel}, "m.ckpt"),
       1, "m.ckpt"},
  };
}

std::vector<Case> folder_cases() {
  const auto without = [](const std::string& file, const std::string& says) {
    std::string name = "Without_" + file;
    std::replace_if(
        name.begin(), name.end(), [](char c) { return !isalnum(c); }, '_');
    return Case{name, model_with(file, "", true), txt2img({}, "model"), 1, says};
  };
  const std::string weights = "unet/diffusion_pytorch_model.safetensors";
  const std::string cut = read_file(kModel + "/" + weights).substr(0, 100000);
  return {
      {"NoSuchModel", nothing, txt2img({}, "missing"), 1, "missing"},
      {"EmptyFolder", [](const TemporaryFolder& f) { fs::create_directory(f.path() / "e"); },
       txt2img({}, "e"), 1, "'unet' is missing"},
      without("unet", "'unet' is missing"),
      without("vae", "'vae' is missing"),
      without("text_encoder", "'text_encoder' is missing"),
      without("tokenizer/vocab.json", "vocab.json"),
      without("tokenizer/merges.txt", "merges.txt"),
      without("unet/config.json", "config.json"),
      without(weights, "unet"),
      {"UnetTruncated", model_with(weights, cut), txt2img({}, "model"), 1, "safetensors"},
      {"ConfigIsNoJson", model_with("unet/config.json", "{"), txt2img({}, "model"), 1,
       "config.json"},
      {"ConfigIsAList", model_with("vae/config.json", "[]"), txt2img({}, "model"), 1,
       "config.json"},
      {"VocabularyIsNoJson", model_with("tokenizer/vocab.json", "x"), txt2img({}, "model"), 1,
       "vocab.json"},
      {"TextEncoderTruncated",
       model_with("text_encoder/model.safetensors",
                  read_file(kModel + "/text_encoder/model.safetensors").substr(0, 5000)),
       txt2img({}, "model"), 1, "text_encoder"},
      {"VaeEmpty", model_with("vae/diffusion_pytorch_model.safetensors", ""), txt2img({}, "model"),
       1, "vae"},
      {"MergesTruncated", model_with("tokenizer/merges.txt", "#version: 0.2\ni"),
       txt2img({}, "model"), 1, "merges.txt"},
      {"ModelIsATextFile", [](const TemporaryFolder& f) { f.write("note.txt", "hello"); },
       txt2img({}, "note.txt"), 1, "note.txt"},
      config_case("SampleSizeEnormous", "unet/config.json", "\"sample_size\": 16",
                  "\"sample_size\": 1000000", "sample_size"),
      config_case("UnknownScheduler", "scheduler/scheduler_config.json", "PNDMScheduler",
                  "MagicScheduler", "MagicScheduler"),
  };
}

// A model folder whose kiln.json is at fault.
std::vector<Case> defaults_cases() {
  return {
      {"DefaultsUnknownKey", model_with("kiln.json", R"({"guidance": 4})"), txt2img({}, "model"), 1,
       "guidance"},
      {"DefaultsOutOfRange", model_with("kiln.json", R"({"steps": 0})"), txt2img({}, "model"), 1,
       "steps is 0"},
      {"DefaultsIsNoJson", model_with("kiln.json", "{"), txt2img({}, "model"), 1, "kiln.json"},
      {"DefaultsUnknownSampler", model_with("kiln.json", R"({"sampler": "magic"})"),
       txt2img({}, "model"), 1, "magic"},
  };
}

std::vector<Case> config_cases() {
  return {
      config_case("GroupsDoNotDivide", "unet/config.json", "\"norm_num_groups\": 8",
                  "\"norm_num_groups\": 7", "norm_num_groups"),
      config_case("GroupsZero", "unet/config.json", "\"norm_num_groups\": 8",
                  "\"norm_num_groups\": 0", "norm_num_groups"),
      config_case("UnknownActivation", "unet/config.json", "\"act_fn\": \"silu\"",
                  "\"act_fn\": \"mish\"", "act_fn"),
      config_case("UnknownBlock", "unet/config.json", "\"DownBlock2D\"", "\"KDownBlock2D\"",
                  "KDownBlock2D"),
      config_case("ClassConditions", "unet/config.json", "\"class_embed_type\": null",
                  "\"class_embed_type\": \"timestep\"", "class_embed_type"),
      config_case("OtherShape", "unet/config.json", "\"cross_attention_dim\": 64",
                  "\"cross_attention_dim\": 96", "96"),
      config_case("LayersNegative", "text_encoder/config.json", "\"num_hidden_layers\": 3",
                  "\"num_hidden_layers\": -3", "num_hidden_layers"),
      config_case("LayersMissingInFile", "text_encoder/config.json", "\"num_hidden_layers\": 3",
                  "\"num_hidden_layers\": 4", "16 missing"),
  };
}

std::vector<Case> option_cases() {
  std::vector<Case> cases = {
      {"NoArguments", nothing, {}, 2, "subcommand"},
      {"UnknownCommand", nothing, {"paint"}, 2, "paint"},
      {"UnknownOption", nothing, txt2img({"--magic"}), 2, "--magic"},
      {"DefaultModelMissing",
       nothing,
       {"txt2img", "-p", "x"},
       1,
       "[KILN_MODEL]",
       {{"KILN_MODEL", "nowhere"}}},
      {"DefaultModelOfInfoMissing", nothing, {"info"}, 1, "nowhere", {{"KILN_MODEL", "nowhere"}}},
      {"DefaultModelOfPlanMissing", nothing, {"plan"}, 1, "nowhere", {{"KILN_MODEL", "nowhere"}}},
      {"DefaultModelIsNone",
       [](const TemporaryFolder& f) { f.write("empty/note.txt", "no model"); },
       {"decode", "-i", "l.safetensors", "-o", "out.png"},
       1,
       "l.safetensors",
       {{"KILN_MODEL", "empty"}}},
      option_case("WidthNotAMultiple", {"-W", "65"}, "width"),
      option_case("WidthZero", {"-W", "0"}, "width"),
      option_case("WidthNegative", {"-W", "-64"}, "--width"),
      option_case("WidthEnormous", {"-W", "1000000000"}, "width"),
      option_case("HeightNotAMultiple", {"-H", "63"}, "height"),
      option_case("HeightBeyond32Bits", {"-H", "99999999999"}, "--height"),
      option_case("StepsZero", {"--steps", "0"}, "steps"),
      option_case("StepsNegative", {"--steps", "-1"}, "--steps"),
      option_case("StepsEnormous", {"--steps", "1000000000"}, "steps"),
      option_case("StepsNoNumber", {"--steps", "many"}, "--steps"),
      option_case("GuidanceNan", {"--cfg-scale", "nan"}, "cfg scale"),
      option_case("GuidanceRescaleTooLarge", {"--guidance-rescale", "2"}, "guidance rescale"),
      option_case("NoImages", {"-b", "0"}, "images"),
      option_case("TooManyImages", {"-b", "1000"}, "images"),
      option_case("ClipSkipZero", {"--clip-skip", "0"}, "clip skip"),
      option_case("ClipSkipTooLarge", {"--clip-skip", "13"}, "clip skip"),
      option_case("EtaTooLarge", {"--eta", "2", "--sampler", "ddim"}, "eta"),
      option_case("UnknownSampler", {"--sampler", "eulr"}, "euler"),
      option_case("UnknownSchedule", {"--schedule", "kerras"}, "karras"),
      option_case("UnknownRng", {"--rng", "gpu"}, "--rng"),
      option_case("UnknownPrecision", {"--precision", "f8"}, "--precision"),
      option_case("UnknownDevice", {"--device", "no such device"}, "no such device"),
      option_case("PromptIsNotUtf8", {"-p", "caf\xe9"}, "UTF-8"),
      option_case("NegativePromptIsNotUtf8", {"-n", "\xff\xfe"}, "UTF-8"),
      option_case("OutputIsNoPng", {"-o", "out.jpg"}, ".png"),
      {"OutputFolderMissing", nothing, txt2img({"-o", "missing/out.png"}), 1, "missing"},
      {"OutputIsAFolder",
       [](const TemporaryFolder& f) { fs::create_directory(f.path() / "d.png"); },
       txt2img({"-o", "d.png"}), 1, "d.png"},
      {"FromMissing", nothing, txt2img({"--from", "missing.png"}), 1, "missing.png"},
      {"FromIsNoPng", [](const TemporaryFolder& f) { f.write("a.png", "no picture"); },
       txt2img({"--from", "a.png"}), 1, "a.png"},
      {"VerifyNoFolder", nothing, {"verify", "--golden", "missing"}, 1, "missing"},
      {"PlanUnknownSynthetic", nothing, {"plan", "-m", "synthetic:sd9"}, 2, "sd9"},
      {"InfoMissing", nothing, {"info", "missing"}, 1, "missing"},
      {"DecodeNoLatents",
       [](const TemporaryFolder& f) { f.write("l.safetensors", safetensors("{}")); },
       {"decode", "-m", kModel, "-i", "l.safetensors", "-o", "out.png"},
       1,
       "latents"},
  };
  return cases;
}

std::vector<Case> memory_cases() {
  return {
      option_case("MemoryWithoutUnit", {"--max-memory", "3"}, "--max-memory"),
      {"MemoryTooLittle", nothing, txt2img({"--max-memory", "1MB"}), 1, "the limit is 1.0 MB"},
      {"PlanMemoryTooLittle",
       nothing,
       {"plan", "-m", kModel, "-W", "64", "-H", "64", "--max-memory", "1MB"},
       1,
       "the limit is 1.0 MB"},
  };
}

std::vector<Case> image_cases() {
  const auto img2img = [](std::vector<std::string> more) {
    std::vector<std::string> all = txt2img({"-i", "in.png"});
    all[0] = "img2img";
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  const auto file = [](const std::string& bytes) {
    return [=](const TemporaryFolder& folder) { folder.write("in.png", bytes); };
  };
  using std::string_literals::operator""s;
  const std::string signature = "\x89PNG\r\n\x1a\n"s;
  // A header that says 2^31 - 1 pixels a side.
  const std::string lies = signature +
                           "\0\0\0\rIHDR\x7f\xff\xff\xff\x7f\xff\xff\xff\x08\x02\0\0\0"s +
                           "\0\0\0\0"s + "\0\0\0\0IEND\xae\x42\x60\x82"s;
  return {
      {"ImageMissing", nothing, img2img({}), 1, "in.png"},
      {"ImageEmpty", file(""), img2img({}), 1, "in.png"},
      {"ImageIsText", file("hello"), img2img({}), 1, "in.png"},
      {"ImageIsHalfAPng", file(signature + "\0\0\0\rIHDR"s), img2img({}), 1, "in.png"},
      {"ImageLiesAboutItsSize", file(lies), img2img({}), 1, "in.png"},
      {"ImageIsHalfAJpeg", file("\xff\xd8\xff\xe0\0\x10JFIF\0"s), img2img({}), 1, "in.png"},
  };
}

std::vector<Case> all_cases() {
  std::vector<Case> all = safetensors_cases();
  for (const auto& more : {pickle_cases(), folder_cases(), defaults_cases(), config_cases(),
                           option_cases(), memory_cases(), image_cases()}) {
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

class BadInput : public ::testing::TestWithParam<Case> {};

TEST_P(BadInput, GivesOneClearLineAndLeavesNothing) {
  const TemporaryFolder folder;
  GetParam().prepare(folder);
  const std::vector<std::string> before = folder.files();
  const Outcome outcome = run_kiln(GetParam().arguments, folder.path(), GetParam().environment);
  EXPECT_EQ(outcome.code, GetParam().code) << outcome.messages;
  EXPECT_NE(outcome.messages.find(GetParam().says), std::string::npos) << outcome.messages;
  EXPECT_EQ(outcome.messages.rfind("kiln: ", 0), 0u) << outcome.messages;
  // One line, but for the list of everything a checkpoint lacks, which is indented.
  std::size_t lines = 0;
  for (std::size_t at = 0; at != std::string::npos && at < outcome.messages.size();) {
    lines += outcome.messages.compare(at, 2, "  ") != 0;
    at = outcome.messages.find('\n', at);
    if (at != std::string::npos) ++at;
  }
  EXPECT_EQ(lines, 1u) << outcome.messages;
  EXPECT_EQ(folder.files(), before) << "something was left behind";
}

INSTANTIATE_TEST_SUITE_P(All, BadInput, ::testing::ValuesIn(all_cases()),
                         [](const auto& tested) { return tested.param.name; });

TEST(BadInputTable, HasAtLeastSixtyCases) { EXPECT_GE(all_cases().size(), 60u); }

TEST(Prompts, EmptyAndHugeOnesAreFine) {
  const TemporaryFolder folder;
  EXPECT_EQ(run_kiln(txt2img({"-p", ""}), folder.path()).code, 0);
  std::string huge;
  while (huge.size() < 100'000) huge += "castle on a hill, ";
  const Outcome outcome = run_kiln(txt2img({"-p", huge}), folder.path());
  EXPECT_EQ(outcome.code, 0) << outcome.messages;
  EXPECT_EQ(outcome.messages.rfind("warning: the prompt is longer than 77 tokens; left out", 0), 0u)
      << outcome.messages;
  EXPECT_LT(outcome.messages.size(), 400u);
}

}  // namespace
}  // namespace kiln::test
