// The model that is used when none is named, and the settings that its folder asks for.
#include <gtest/gtest.h>

#include "tests/apps/program.h"

namespace kiln::test {
namespace {

namespace fs = std::filesystem;

const std::string kModel = KILN_SOURCE_DIR "/tests/golden/sd15-tiny";

bool says(const Outcome& outcome, const std::string& text) {
  return outcome.output.find(text) != std::string::npos;
}

class DefaultModel : public ::testing::Test {
 protected:
  DefaultModel() {
    fs::copy(kModel, folder_.path() / "model", fs::copy_options::recursive);
    folder_.write("model/kiln.json",
                  R"({"steps": 2, "cfg_scale": 3.5, "sampler": "euler", "schedule": "karras"})");
  }
  Outcome kiln(const std::vector<std::string>& arguments,
               const std::string& model = "model") const {
    return run_kiln(arguments, folder_.path(), {{"KILN_MODEL", model}});
  }

  TemporaryFolder folder_;
};

TEST_F(DefaultModel, ItsSizeAndSettingsAreUsedAndFlagsGoBeforeThem) {
  const Outcome own = kiln({"txt2img", "-p", "x", "--json", "-q", "-o", "own.png"});
  ASSERT_EQ(own.code, 0) << own.messages;
  EXPECT_TRUE(says(own, "\"steps\":2") && says(own, "\"width\":128")) << own.output;
  const Outcome text = kiln({"info", "own.png"});
  EXPECT_TRUE(says(text, "Steps: 2, Sampler: Euler, Schedule type: karras, CFG scale: 3.5"))
      << text.output;

  const Outcome asked = kiln({"txt2img", "-p", "x", "--json", "-q", "--steps", "1", "-W", "64",
                              "--sampler", "ddim", "--cfg-scale", "2", "-o", "asked.png"});
  ASSERT_EQ(asked.code, 0) << asked.messages;
  EXPECT_TRUE(says(asked, "\"steps\":1") && says(asked, "\"width\":64")) << asked.output;
  const Outcome other = kiln({"info", "asked.png"});
  EXPECT_TRUE(says(other, "Sampler: DDIM") && says(other, "CFG scale: 2")) << other.output;
  // The model's schedule belongs to the model's sampler.
  EXPECT_FALSE(says(other, "karras")) << other.output;
}

TEST_F(DefaultModel, InfoAndPlanSpeakOfIt) {
  const Outcome info = kiln({"info"});
  EXPECT_EQ(info.code, 0) << info.messages;
  EXPECT_TRUE(says(info, "128x128")) << info.output;
  EXPECT_TRUE(says(info, "cfg_scale 3.5") && says(info, "steps 2") && says(info, "euler"))
      << info.output;
  EXPECT_TRUE(says(kiln({"info", "--json"}), "\"schedule\": \"karras\""));
  const Outcome plan = kiln({"plan", "--stage", "denoise", "--json"});
  EXPECT_EQ(plan.code, 0) << plan.messages;
  EXPECT_TRUE(says(plan, "\"stage\": \"denoise\"")) << plan.output;
}

TEST_F(DefaultModel, ModelsTellsWhichItIsAndWhereElseItLooked) {
  const Outcome table = kiln({"models"});
  EXPECT_EQ(table.code, 0) << table.messages;
  EXPECT_EQ(table.output.rfind("* KILN_MODEL", 0), 0u) << table.output;
  EXPECT_TRUE(says(table, "sd1, 128x128") && says(table, "user") && says(table, "installed") &&
              says(table, "source"))
      << table.output;
  const Outcome json = kiln({"models", "--json"});
  EXPECT_TRUE(says(json, "\"default\": true") && says(json, "\"native_size\": 128")) << json.output;
}

TEST_F(DefaultModel, ModelsTellsWhyOneCannotBeUsed) {
  const Outcome absent = kiln({"models"}, "nowhere");
  EXPECT_EQ(absent.code, 0) << absent.messages;
  EXPECT_TRUE(says(absent, "cannot be used: no such file or folder")) << absent.output;
  fs::remove(folder_.path() / "model/vae/config.json");
  const Outcome broken = kiln({"models"});
  EXPECT_TRUE(says(broken, "cannot be used: [") && says(broken, "config.json")) << broken.output;
}

}  // namespace
}  // namespace kiln::test
