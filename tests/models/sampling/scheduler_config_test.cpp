// scheduler_config.json: what is read, and what is refused by name.
#include "models/sampling/scheduler_config.h"

#include <gtest/gtest.h>

#include "models/sampling/samplers.h"
#include "runtime/base/error.h"
#include "runtime/weights/json_text.h"
#include "tests/models/sampling/golden_schedulers.h"

namespace kiln::test {
namespace {

SchedulerConfig parsed(const std::string& text) {
  return scheduler_config(parse_json(finite_json(text), "test.json"), "test.json");
}

std::string refusal(const std::string& text) {
  try {
    parsed(text);
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
    return error.what();
  }
  return {};
}

TEST(SchedulerConfigFile, OfTheGoldenModelIsThePublishedOneOfStableDiffusion1) {
  const SchedulerConfig config =
      read_scheduler_config(golden_path("sd15-tiny/scheduler/scheduler_config.json"));
  EXPECT_EQ(config.class_name, "PNDMScheduler");
  EXPECT_EQ(config.spacing, Spacing::leading);
  EXPECT_EQ(config.steps_offset, 1u);
  EXPECT_EQ(config.set_alpha_to_one, false);
  EXPECT_TRUE(config.skip_prk_steps);
  EXPECT_EQ(config.prediction, Prediction::epsilon);
  // The defaults of the struct are the same
  EXPECT_EQ(make_table({.steps = 9}, config).timesteps, make_table({.steps = 9}, {}).timesteps);
}

TEST(SchedulerConfigFile, AbsentKeysTakeTheDefaultsOfTheirClass) {
  const SchedulerConfig euler = parsed(R"({"_class_name": "EulerDiscreteScheduler"})");
  EXPECT_EQ(euler.spacing, Spacing::linspace);
  EXPECT_EQ(euler.beta_schedule, BetaSchedule::linear);
  EXPECT_EQ(euler.beta_end, 0.02);
  EXPECT_EQ(euler.steps_offset, 0u);
  const SchedulerConfig lcm = parsed(R"({"_class_name": "LCMScheduler", "beta_end": null})");
  EXPECT_EQ(lcm.beta_schedule, BetaSchedule::scaled_linear);
  EXPECT_EQ(lcm.beta_end, 0.012);
}

TEST(SchedulerConfigFile, PythonsInfinityIsRead) {
  const SchedulerConfig config =
      parsed(R"({"_class_name": "DPMSolverMultistepScheduler", "lambda_min_clipped": -Infinity})");
  EXPECT_LT(config.lambda_min_clipped, -1e300);
  EXPECT_EQ(finite_json(R"({"Infinity \" Infinity": 1})"), R"({"Infinity \" Infinity": 1})");
}

TEST(SchedulerConfigFile, WhatIsNotSupportedIsRefusedByName) {
  const auto with = [](const std::string& rest) {
    return R"({"_class_name": "DDIMScheduler", )" + rest + "}";
  };
  const std::pair<std::string, std::string> cases[] = {
      {with(R"("clip_sample": true)"), "clip_sample"},
      {with(R"("thresholding": true)"), "thresholding"},
      {with(R"("prediction_type": "flow_prediction")"), "flow_prediction"},
      {with(R"("beta_schedule": "sigmoid")"), "sigmoid"},
      {with(R"("timestep_spacing": "uneven")"), "uneven"},
      {with(R"("use_flow_sigmas": true)"), "use_flow_sigmas"},
      {with(R"("use_lu_lambdas": true)"), "use_lu_lambdas"},
      {with(R"("timestep_type": "continuous")"), "continuous"},
      {with(R"("variance_type": "learned_range")"), "learned_range"},
      {with(R"("solver_order": 4)"), "solver_order"},
      {with(R"("num_train_timesteps": 0)"), "num_train_timesteps"},
      {with(R"("num_train_timesteps": -5)"), "num_train_timesteps"},
      {with(R"("num_train_timesteps": 1e12)"), "num_train_timesteps"},
      {with(R"("num_train_timesteps": "1000")"), "num_train_timesteps"},
      {with(R"("beta_start": "small")"), "beta_start"},
      {with(R"("beta_end": 2)"), "beta_end"},
      {with(R"("steps_offset": 1.5)"), "steps_offset"},
      {with(R"("trained_betas": [0.1, "x"])"), "trained_betas"},
      {with(R"("use_karras_sigmas": 1)"), "use_karras_sigmas"},
      {with(R"("sigma_min": 3, "sigma_max": 2)"), "sigma_min"},
      {with(R"("brand_new_key": 1)"), "brand_new_key"},
      {R"({"_class_name": "FlowMatchEulerDiscreteScheduler"})", "FlowMatchEuler"},
      {R"({"beta_start": 0.1})", "_class_name"},
      {R"([1, 2])", "object"}};
  for (const auto& [text, named] : cases) {
    const std::string message = refusal(text);
    EXPECT_NE(message.find(named), message.npos) << text << "\n" << message;
    EXPECT_EQ(message.find("[test.json]"), 0u) << message;
  }
}

TEST(SchedulerConfigFile, BetasThatAddNoNoiseAreRefused) {
  SchedulerConfig config;
  config.beta_start = config.beta_end = 0;
  EXPECT_THROW(make_table({}, config), Error);
  config.trained_betas = {0.1, 0.2, 0.3, 0.0};
  config.num_train_timesteps = 4;
  EXPECT_THROW(make_table({.steps = 2}, config), Error);
  config.trained_betas.back() = 0.4;
  EXPECT_EQ(make_table({.sampler = "ddim", .schedule = "trailing", .steps = 4}, config).rows.size(),
            4u);
}

}  // namespace
}  // namespace kiln::test
