// All samplers of the catalogue: against textbook loops, and on a problem with a known answer.
#include <gtest/gtest.h>

#include <cmath>

#include "models/sampling/samplers.h"
#include "models/sampling/table_evaluator.h"
#include "tests/models/sampling/textbook_loops.h"

namespace kiln::test {
namespace {

double wavy_network(double input, double timestep) {
  return 0.8 * std::sin(1.3 * input) + 0.3 * std::cos(timestep / 170) + 0.1 * input;
}

// Runs a table on one number. prediction: what the network's words mean.
double run_table(const StepTable& table, double start, const std::vector<double>& draws,
                 const Network& network) {
  TableEvaluator evaluator({start});
  for (const StepRow& row : table.rows) {
    const double output = network(evaluator.network_input(row)[0], double(row.timestep));
    const double noise = row.noise_draw == kNoNoise ? 0 : draws.at(row.noise_draw - 1);
    evaluator.apply(row, std::vector{output}, std::vector{noise});
  }
  return evaluator.latent()[0];
}

class Textbook : public testing::TestWithParam<Sampler> {};

TEST_P(Textbook, TheTableDoesWhatTheLoopDoes) {
  const Sampler& sampler = GetParam();
  const Loop loop = textbook_loop(sampler.name);
  ASSERT_NE(loop, nullptr) << "a sampler needs a loop in textbook_loops.cpp";
  SchedulerConfig config;
  config.set_alpha_to_one = false;
  std::vector<double> draws;
  for (int i = 0; i < 80; ++i) draws.push_back(std::sin(7.0 * i + 1) * 1.4);
  for (const std::uint32_t steps : {5u, 12u, 25u}) {
    for (const double start : {-1.7, 0.2, 2.4}) {
      SCOPED_TRACE(steps);
      SamplerChoice choice{.sampler = sampler.name, .steps = steps};
      if (sampler.takes_eta) choice.eta = 0.6;
      const StepTable table = make_table(choice, config);
      const double x = start * double(table.initial_scale);
      const double ours = run_table(table, x, draws, wavy_network);
      const double loops = loop({wavy_network, NoiseSchedule(config), table.timesteps, table.sigmas,
                                 draws, x, steps, choice.eta.value_or(0)});
      EXPECT_NEAR(ours, loops, 2e-5 * (1 + std::abs(loops)));
    }
  }
}

// Data that is normal with this deviation: the best prediction is known, and the way of a latent
// from noise to data too.
constexpr double kDeviation = 0.7;

std::vector<Sampler> samplers_that_can_do_without_noise() {
  std::vector<Sampler> list;
  for (const Sampler& sampler : all_samplers()) {
    const std::string name = sampler.name;
    if (name != "ddpm" && name != "dpmpp_2m_sde" && name != "lcm") list.push_back(sampler);
  }
  return list;
}

class Flow : public testing::TestWithParam<Sampler> {};

TEST_P(Flow, WithAKnownEndIsFollowedToIt) {
  const Sampler& sampler = GetParam();
  SchedulerConfig config;
  const NoiseSchedule noise(config);
  for (const char* schedule : all_schedules()) {
    for (const Prediction prediction :
         {Prediction::epsilon, Prediction::velocity, Prediction::sample}) {
      config.prediction = prediction;
      const Network network = [&](double input, double timestep) {
        const double sigma = noise.sigma_at_log(timestep);
        const auto [a, s] = preserving_level(sigma);
        const double clean =
            kDeviation * kDeviation * a * input / (a * a * kDeviation * kDeviation + s * s);
        const double epsilon = (input - a * clean) / s;
        if (prediction == Prediction::sample) return clean;
        return prediction == Prediction::epsilon ? epsilon : a * epsilon - s * clean;
      };
      SamplerChoice choice{.sampler = sampler.name, .schedule = schedule, .steps = 200};
      if (sampler.own_timesteps) choice = {.sampler = sampler.name, .steps = 50};
      if (sampler.takes_eta) choice.eta = 0;
      StepTable table;
      try {
        table = make_table(choice, config);
      } catch (const std::exception& error) {
        const std::string text = error.what();
        ASSERT_NE(text.find("schedule"), text.npos) << text;
        continue;  // samplers over whole timesteps take no sigma rule
      }
      const double first = 1 / double(table.rows[0].input_scale);
      const double ratio = noise.sigma_at_log(double(table.rows[0].timestep));
      const Level level{first / std::hypot(1.0, ratio), first * ratio / std::hypot(1.0, ratio)};
      const double end = run_table(table, first, std::vector<double>(400), network);
      const double deviation_at_start = std::hypot(level.alpha * kDeviation, level.sigma);
      EXPECT_NEAR(end, kDeviation * first / deviation_at_start, 0.03)
          << schedule << " " << int(prediction);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Samplers, Flow, testing::ValuesIn(samplers_that_can_do_without_noise()),
                         [](const auto& each) { return std::string(each.param.name); });
INSTANTIATE_TEST_SUITE_P(Samplers, Textbook,
                         testing::ValuesIn(all_samplers().begin(), all_samplers().end()),
                         [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace kiln::test
