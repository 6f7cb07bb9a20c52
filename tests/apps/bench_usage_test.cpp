// Wrong use of `kiln bench`: one clear line, the right exit code; lists need no device.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/apps/program.h"

namespace kiln::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

struct Case {
  std::string name;
  std::vector<std::string> arguments;
  int code = 2;
  std::string says;  // part of the message
};

void PrintTo(const Case& tested, std::ostream* out) { *out << tested.name; }

class BenchUsage : public testing::TestWithParam<Case> {};

TEST_P(BenchUsage, IsRefusedInOneLine) {
  const TemporaryFolder folder;
  folder.write("other.json", R"({"stages": []})");
  folder.write("row.json", R"({"kernels": [{"ms": 1}]})");
  folder.write("broken.json", "{");
  std::vector<std::string> arguments = GetParam().arguments;
  arguments.insert(arguments.begin(), "bench");
  const Outcome outcome = run_kiln(arguments, folder.path());
  EXPECT_EQ(outcome.code, GetParam().code) << outcome.messages;
  EXPECT_THAT(outcome.messages, HasSubstr(GetParam().says));
  EXPECT_EQ(std::count(outcome.messages.begin(), outcome.messages.end(), '\n'), 1)
      << outcome.messages;
  EXPECT_THAT(outcome.output, IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    Kernels, BenchUsage,
    testing::Values(
        Case{"NoLevel", {}, 2, "subcommand"}, Case{"LevelUnknown", {"everything"}, 2, "subcommand"},
        Case{"GroupUnknown", {"kernels", "--only", "sort"}, 2, "'sort', expected matmul"},
        Case{"SetUnknown", {"kernels", "--set", "sd3"}, 2, "'sd3', expected sd15-256"},
        Case{"KernelUnknown", {"kernels", "--kernel", "matmull"}, 2, "did you mean 'matmul'"},
        Case{"AvoidUnknown", {"kernels", "--avoid", "geglo"}, 2, "did you mean 'geglu'"},
        Case{"KernelAndEvery", {"kernels", "--kernel", "matmul", "--every-kernel"}, 2, "give one"},
        Case{"ShapeAlone", {"kernels", "--shape", "8x8x8"}, 2, "--only"},
        Case{"ShapeWrong",
             {"kernels", "--only", "matmul", "--shape", "8x8"},
             2,
             "expected ROWSxOUTPUTSxINPUTS"},
        Case{"PrecisionUnknown", {"kernels", "--precision", "f64"}, 2, "expected auto, f32 or f16"},
        Case{"RepeatZero", {"kernels", "--repeat", "0"}, 2, "--repeat"},
        Case{"HeaviestNegative", {"kernels", "--heaviest", "-1"}, 2, "--heaviest"},
        Case{"AgainstMissing", {"kernels", "--against", "missing.json"}, 1, "missing.json"},
        Case{"AgainstBroken", {"kernels", "--against", "broken.json"}, 1, "broken.json"},
        Case{"AgainstOther",
             {"kernels", "--against", "other.json"},
             1,
             "not what kiln bench kernels --json writes"},
        Case{"AgainstRow",
             {"kernels", "--against", "row.json"},
             1,
             "not what kiln bench kernels --json writes"}),
    [](const testing::TestParamInfo<Case>& tested) { return tested.param.name; });

const std::string kModel = KILN_SOURCE_DIR "/tests/golden/sd15-tiny";

INSTANTIATE_TEST_SUITE_P(
    StagesAndPictures, BenchUsage,
    testing::Values(
        Case{"StagesWithoutUnknown",
             {"stages", "-m", kModel, "--without", "geglo"},
             2,
             "did you mean 'geglu'"},
        Case{"StagesModelMissing", {"stages", "-m", "missing"}, 1, "missing"},
        Case{"StagesSdxl", {"stages", "-m", "synthetic:sdxl"}, 2, "not built yet"},
        Case{"StagesSyntheticUnknown", {"stages", "-m", "synthetic:x"}, 2, "known: sd15"},
        Case{"StagesSize", {"stages", "-m", kModel, "-W", "65"}, 2, "width"},
        Case{"StagesRepeatZero", {"stages", "--repeat", "0"}, 2, "--repeat"},
        Case{"StagesAgainstOther",
             {"stages", "-m", kModel, "--against", "row.json"},
             1,
             "not what kiln bench stages --json writes"},
        Case{"StagesSaveInNoFolder",
             {"stages", "-m", kModel, "--save", "none/out.json"},
             1,
             "none/out.json"},
        Case{"PictureModelMissing", {"picture", "-m", "missing"}, 1, "missing"},
        Case{"PictureAgainstOther",
             {"picture", "-m", kModel, "--against", "row.json"},
             1,
             "not what kiln bench picture --json writes"},
        Case{"PictureSaveInNoFolder",
             {"picture", "-m", kModel, "--save", "none/out.json"},
             1,
             "none/out.json"}),
    [](const testing::TestParamInfo<Case>& tested) { return tested.param.name; });

TEST(BenchList, NamesEverySetAndNeedsNoDevice) {
  const TemporaryFolder folder;
  const Environment no_driver = {{"VK_DRIVER_FILES", "/dev/null"},
                                 {"VK_ICD_FILENAMES", "/dev/null"}};
  const Outcome outcome = run_kiln({"bench", "kernels", "--list"}, folder.path(), no_driver);
  EXPECT_EQ(outcome.code, 0) << outcome.messages;
  for (const char* part : {"sd15-256", "sd15-512", "vae-256", "vae-512", "clip", "sdxl-1024",
                           "8192x2560x320", "2x16x16x1280->1280", "2x8x4096x4096x40"}) {
    EXPECT_THAT(outcome.output, HasSubstr(part));
  }
}

}  // namespace
}  // namespace kiln::test
