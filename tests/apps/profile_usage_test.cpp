// Wrong use of `kiln profile`: one clear line, the right exit code, nothing left behind.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/apps/program.h"

namespace kiln::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

const std::string kModel = KILN_SOURCE_DIR "/tests/golden/sd15-tiny";

struct Case {
  std::string name;
  std::vector<std::string> arguments;
  int code = 2;
  std::string says;  // part of the message
};

void PrintTo(const Case& tested, std::ostream* out) { *out << tested.name; }

std::vector<std::string> profile(std::vector<std::string> options) {
  options.insert(options.begin(), "profile");
  const std::vector<std::string> picture = {"--",      "txt2img", "-m", kModel, "-p",
                                            "x",       "-W",      "64", "-H",   "64",
                                            "--steps", "1",       "-q", "-o",   "out.png"};
  options.insert(options.end(), picture.begin(), picture.end());
  return options;
}

class ProfileUsage : public testing::TestWithParam<Case> {};

TEST_P(ProfileUsage, IsRefusedInOneLine) {
  const TemporaryFolder folder;
  const Outcome outcome = run_kiln(GetParam().arguments, folder.path());
  EXPECT_EQ(outcome.code, GetParam().code) << outcome.messages;
  EXPECT_THAT(outcome.messages, HasSubstr(GetParam().says));
  EXPECT_EQ(std::count(outcome.messages.begin(), outcome.messages.end(), '\n'), 1)
      << outcome.messages;
  EXPECT_THAT(outcome.output, IsEmpty());
  EXPECT_THAT(folder.files(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    Commands, ProfileUsage,
    testing::Values(
        Case{"NoCommand", {"profile"}, 2, "command is required"},
        Case{"CommandThatDoesNotGenerate",
             {"profile", "--", "devices"},
             2,
             "'devices' is no command"},
        Case{"OptionTheCommandLacks", {"profile", "--", "txt2img", "--magic"}, 2, "--magic"},
        Case{"ModelMissing", {"profile", "--", "txt2img", "-m", "missing", "-q"}, 1, "missing"},
        Case{"DepthNegative", profile({"--depth", "-1"}), 2, "--depth"},
        Case{"FolderOfTraceMissing", profile({"--trace", "missing/trace.json"}), 1, "trace.json"},
        Case{"NoRenderDoc", profile({"--capture", "0"}), 1, "RenderDoc is not attached"}),
    [](const testing::TestParamInfo<Case>& tested) { return tested.param.name; });

TEST(ProfileHelp, TheHelpOfTheCommandIsShownOnce) {
  const TemporaryFolder folder;
  const Outcome outcome = run_kiln({"profile", "--", "txt2img", "--help"}, folder.path());
  EXPECT_EQ(outcome.code, 0);
  const std::size_t first = outcome.messages.find("--cfg-scale");
  ASSERT_NE(first, std::string::npos) << outcome.messages;
  EXPECT_EQ(outcome.messages.find("--cfg-scale", first + 1), std::string::npos);
}

}  // namespace
}  // namespace kiln::test
