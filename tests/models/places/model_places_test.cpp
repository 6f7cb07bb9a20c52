// Which model is used when none is named, and which settings a model's folder may ask for.
#include "models/pipeline/model_places.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "models/families/model.h"
#include "runtime/base/error.h"

namespace kiln {
namespace {

namespace fs = std::filesystem;

class ModelPlaces : public ::testing::Test {
 protected:
  ModelPlaces() {
    std::string name = (fs::temp_directory_path() / "kiln-places-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    folder_ = name;
    search_ = {.from_environment = {},
               .user_data = (folder_ / "user").string(),
               .installed_data = (folder_ / "share").string(),
               .source_models = (folder_ / "source").string()};
  }
  ~ModelPlaces() override { fs::remove_all(folder_); }

  std::string make(const std::string& name) const {
    fs::create_directories(folder_ / name);
    return (folder_ / name).string();
  }
  // What default_model() throws.
  std::string message() const {
    try {
      return "found " + default_model(search_);
    } catch (const Error& error) {
      EXPECT_EQ(error.fault(), Fault::failed);
      return error.what();
    }
  }

  fs::path folder_;
  ModelSearch search_;
};

TEST_F(ModelPlaces, TheUsersGoesBeforeTheInstalledAndThatBeforeTheSourceTrees) {
  const std::string source = make("source/bundled");
  EXPECT_EQ(default_model(search_), source);
  const std::string installed = make("share/models/bundled");
  EXPECT_EQ(default_model(search_), installed);
  const std::string user = make("user/models/bundled");
  EXPECT_EQ(default_model(search_), user);
  search_.from_environment = make("elsewhere");
  EXPECT_EQ(default_model(search_), search_.from_environment);
}

TEST_F(ModelPlaces, WithoutAnyTheMessageNamesEveryPlace) {
  const std::string text = message();
  for (const char* place : {"user/models/bundled", "share/models/bundled", "source/bundled"}) {
    EXPECT_NE(text.find((folder_ / place).string()), std::string::npos) << text;
  }
  EXPECT_NE(text.find("KILN_MODEL"), std::string::npos) << text;
}

TEST_F(ModelPlaces, WhatTheEnvironmentNamesIsNeverPassedOver) {
  make("source/bundled");
  search_.from_environment = (folder_ / "nowhere").string();
  const std::string text = message();
  EXPECT_EQ(text.find("[KILN_MODEL]"), 0u) << text;
  EXPECT_NE(text.find(search_.from_environment), std::string::npos) << text;
  EXPECT_EQ(model_places(search_).front().name, "KILN_MODEL");
  EXPECT_FALSE(model_places(search_).front().present);
}

TEST_F(ModelPlaces, ThisProcessLooksInItsPrefixAndItsSourceTree) {
  const ModelSearch here = model_search();
  EXPECT_EQ(here.source_models, KILN_SOURCE_DIR "/models");
  const fs::path program = fs::read_symlink("/proc/self/exe");
  const fs::path prefix = program.parent_path().parent_path();
  EXPECT_EQ(here.installed_data, (prefix / "share" / "kiln").string());
}

class ModelDefaultsFile : public ModelPlaces {
 protected:
  ModelDefaults read(const std::string& text) const {
    std::ofstream(folder_ / kDefaultsFile) << text;
    return read_model_defaults(folder_, {});
  }
  std::string refusal(const std::string& text) const {
    try {
      read(text);
    } catch (const Error& error) {
      EXPECT_EQ(error.fault(), Fault::failed);
      EXPECT_NE(std::string(error.what()).find(kDefaultsFile), std::string::npos) << error.what();
      return error.what();
    }
    return "accepted";
  }
};

TEST_F(ModelDefaultsFile, AFolderWithoutOneAsksForNothing) {
  const ModelDefaults defaults = read_model_defaults(folder_, {});
  EXPECT_FALSE(defaults.steps || defaults.guidance);
  EXPECT_TRUE(defaults.sampler.empty() && defaults.schedule.empty());
}

TEST_F(ModelDefaultsFile, EveryKeyIsReadAndNamesBecomeOurs) {
  const ModelDefaults defaults =
      read(R"({"steps": 24, "cfg_scale": 4.5, "sampler": "DPM++ 2M", "schedule": "Karras"})");
  EXPECT_EQ(defaults.steps, 24u);
  EXPECT_EQ(defaults.guidance, 4.5f);
  EXPECT_EQ(defaults.sampler, "dpmpp_2m");
  EXPECT_EQ(defaults.schedule, "karras");
  const ModelDefaults one = read(R"({"sampler": "DPM++ 2M Karras"})");
  EXPECT_EQ(one.sampler, "dpmpp_2m");
  EXPECT_EQ(one.schedule, "karras");
  EXPECT_FALSE(one.steps);
}

TEST_F(ModelDefaultsFile, WhatIsNotUnderstoodIsRefusedByName) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"step": 20})", "'step'"},
      {R"({"steps": 0})", "steps"},
      {R"({"steps": 1001})", "steps"},
      {R"({"steps": 2.5})", "steps"},
      {R"({"steps": "20"})", "steps"},
      {R"({"cfg_scale": -1})", "cfg_scale"},
      {R"({"cfg_scale": 101})", "cfg_scale"},
      {R"({"sampler": "eulr"})", "eulr"},
      {R"({"sampler": 3})", "sampler"},
      {R"({"schedule": "kerras"})", "kerras"},
      {R"({"sampler": "lcm", "schedule": "karras"})", "own timesteps"},
      {R"([20])", kDefaultsFile},
      {R"({"steps": )", kDefaultsFile},
  };
  for (const auto& [text, says] : cases) {
    EXPECT_NE(refusal(text).find(says), std::string::npos) << text << ": " << refusal(text);
  }
}

}  // namespace
}  // namespace kiln
