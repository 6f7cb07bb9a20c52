// The catalogue: names, choices, start steps, and settings that make no sense.
#include "models/sampling/samplers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <string>

#include "models/sampling/beta_quantile.h"
#include "models/sampling/strength.h"
#include "models/sampling/time_schedule.h"
#include "runtime/base/error.h"

namespace kiln::test {
namespace {

// The message of the usage error that a call throws; empty when it throws none.
template <typename Call>
std::string usage_error(Call call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::usage);
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
    return error.what();
  }
  return {};
}

TEST(Samplers, AreFoundByTheNamesPeopleUse) {
  const std::pair<const char*, const char*> names[] = {{"euler", "euler"},
                                                       {"Euler a", "euler_a"},
                                                       {"euler_ancestral", "euler_a"},
                                                       {"DPM++ 2M", "dpmpp_2m"},
                                                       {"dpm++2m", "dpmpp_2m"},
                                                       {"k_dpmpp_2m", "dpmpp_2m"},
                                                       {"dpmpp-2m", "dpmpp_2m"},
                                                       {"DPM++ 2M SDE", "dpmpp_2m_sde"},
                                                       {"PLMS", "pndm"},
                                                       {"PNDMScheduler", "pndm"},
                                                       {"UniPCMultistepScheduler", "unipc"},
                                                       {"uni_pc", "unipc"},
                                                       {"dpm_2_ancestral", "dpm2_a"},
                                                       {"LCM", "lcm"},
                                                       {"DPM++ SDE", "dpmpp_sde"},
                                                       {"DPMSolverSDEScheduler", "dpmpp_sde"}};
  for (const auto& [name, expected] : names) EXPECT_STREQ(find_sampler(name).name, expected);
}

TEST(Samplers, HaveNamesThatNoOtherHas) {
  std::set<std::string> names;
  for (const Sampler& sampler : all_samplers()) {
    EXPECT_TRUE(names.insert(sampler.name).second) << sampler.name;
    EXPECT_EQ(&find_sampler(sampler.name), &sampler);
    EXPECT_EQ(&find_sampler(sampler.title), &sampler) << sampler.title;
    EXPECT_STREQ(complete({.sampler = sampler.name}, {}).sampler.c_str(), sampler.name);
  }
}

TEST(Samplers, AnUnknownNameIsAnsweredWithTheNearest) {
  const std::string text = usage_error([] { find_sampler("eulr a"); });
  EXPECT_NE(text.find("did you mean 'euler"), text.npos) << text;
  EXPECT_NE(text.find("dpmpp_2m_sde"), text.npos) << text;
  const std::string far = usage_error([] { find_sampler(std::string(100'000, '\n')); });
  EXPECT_EQ(far.find("did you mean"), far.npos);
  EXPECT_LT(far.size(), 500u);
  const std::string schedule =
      usage_error([] { complete({.sampler = "euler", .schedule = "karas"}, {}); });
  EXPECT_NE(schedule.find("did you mean 'karras'"), schedule.npos) << schedule;
}

TEST(Samplers, AScheduleCanBePartOfTheName) {
  const SamplerChoice choice = complete({.sampler = "DPM++ 2M Karras"}, {});
  EXPECT_EQ(choice.sampler, "dpmpp_2m");
  EXPECT_EQ(choice.schedule, "karras");
  EXPECT_EQ(complete({.sampler = "DPM++ 2M Karras", .schedule = "beta"}, {}).schedule, "beta");
}

TEST(Samplers, WithoutAWishTheModelsOwnSchedulerIsUsed) {
  SchedulerConfig config;
  config.class_name = "EulerDiscreteScheduler";
  config.spacing = Spacing::trailing;
  EXPECT_EQ(complete({}, config).sampler, "euler");
  EXPECT_EQ(complete({}, config).schedule, "trailing");
  EXPECT_EQ(complete({.sampler = "heun"}, config).schedule, "linspace");
  EXPECT_EQ(make_table({.steps = 4}, config).timesteps, (std::vector<double>{999, 749, 499, 249}));
}

TEST(Samplers, AnotherSamplerKeepsWhatTheModelWasTrainedWith) {
  SchedulerConfig config;
  config.prediction = Prediction::velocity;
  config.rescale_betas_zero_snr = true;
  config.solver_order = 3;
  const StepTable table = make_table({.sampler = "euler", .schedule = "trailing"}, config);
  EXPECT_NEAR(table.initial_scale, 4096, 0.1);
  EXPECT_NEAR(table.rows[0].output_scale, -1, 1e-6);
}

TEST(Samplers, SettingsThatMakeNoSenseAreRefused) {
  const SchedulerConfig config;
  const auto refused = [&](SamplerChoice choice) {
    return usage_error([&] { make_table(choice, config); });
  };
  EXPECT_NE(refused({.steps = 0}), "");
  EXPECT_NE(refused({.steps = 1001}), "");
  EXPECT_NE(refused({.steps = 1'000'000'000}), "");
  EXPECT_NE(refused({.sampler = "pndm", .steps = 1000}), "");      // timestep 1000 with the offset
  EXPECT_NE(refused({.sampler = "dpmpp_2m", .steps = 1000}), "");  // timesteps twice
  EXPECT_NE(refused({.steps = 5, .start_step = 6}), "");
  EXPECT_NE(refused({.sampler = "euler", .eta = 0.5}), "");
  EXPECT_NE(refused({.sampler = "ddim", .eta = 1.5}), "");
  EXPECT_NE(refused({.sampler = "ddim", .eta = std::nan("")}), "");
  EXPECT_NE(refused({.guidance = INFINITY}), "");
  EXPECT_NE(refused({.sampler = "ddim", .schedule = "karras"}), "");
  EXPECT_NE(refused({.sampler = "lcm", .schedule = "karras"}), "");
  EXPECT_NE(refused({.sampler = "lcm", .steps = 51}), "");
  EXPECT_NE(refused({.sampler = "pndm_prk", .steps = 3}), "");
  EXPECT_NE(refused({.sampler = "nonesuch"}), "");
  SchedulerConfig zero_snr;
  zero_snr.rescale_betas_zero_snr = true;  // no noise can be told from a latent that is all noise
  EXPECT_NE(usage_error([&] { make_table({.sampler = "ddim", .schedule = "trailing"}, zero_snr); }),
            "");
}

TEST(Samplers, EveryScheduleGivesFallingTimesteps) {
  for (const Sampler& sampler : all_samplers()) {
    for (const char* schedule : all_schedules()) {
      for (const std::uint32_t steps : {1u, 2u, 3u, 7u, 30u, 49u}) {
        SamplerChoice choice{.sampler = sampler.name, .schedule = schedule, .steps = steps};
        const bool sigma_rule = std::string(schedule) == "karras" ||
                                std::string(schedule) == "exponential" ||
                                std::string(schedule) == "beta";
        const bool whole = choice.sampler == "ddpm" || choice.sampler == "ddim" ||
                           choice.sampler.starts_with("pndm");
        if (sampler.own_timesteps) choice.schedule.clear();
        if ((whole && sigma_rule) || (choice.sampler == "pndm_prk" && steps <= 3)) continue;
        const StepTable table = make_table(choice, {});
        // Halfway calls of ancestral steps may go further down than the next step
        std::vector<float> first_calls;
        for (const std::uint32_t row : table.step_begins) {
          first_calls.push_back(table.rows[row].timestep);
        }
        EXPECT_TRUE(std::ranges::is_sorted(first_calls, std::greater())) << sampler.name;
        EXPECT_EQ(table.step_begins.size(), steps);
        EXPECT_EQ(table.rows.size(), table.timesteps.size());
        EXPECT_GE(table.timesteps.back(), 0);
      }
    }
  }
}

// Helper slots may be shifted along while they are empty.
TEST(Samplers, NoLatentIsMadeFromASlotThatNoRowHasWritten) {
  for (const Sampler& sampler : all_samplers()) {
    for (std::uint32_t start = 0; start < 12; ++start) {
      if (std::string(sampler.name) == "pndm_prk" && start > 8) continue;
      SCOPED_TRACE(std::string(sampler.name) + " from " + std::to_string(start));
      const StepTable table =
          make_table({.sampler = sampler.name, .steps = 12, .start_step = start}, {});
      std::array<bool, kSlots> written{true};
      std::uint32_t draws = 0;
      for (const StepRow& row : table.rows) {
        std::array<bool, kSlots> next{};
        bool uses_noise = false;
        for (std::size_t i = 0; i < kSlots; ++i) {
          for (std::size_t j = 0; j < kUpdateColumns; ++j) {
            if (row.update[i][j] == 0) continue;
            const bool known = j >= kSlots || written[j];
            next[i] = next[i] || known;
            EXPECT_TRUE(known || i > 0) << "slot " << j;
            uses_noise = uses_noise || j == kNoiseColumn;
          }
        }
        written = next;
        if (row.noise_draw != kNoNoise) {
          EXPECT_EQ(row.noise_draw, ++draws);
        }
        EXPECT_TRUE(!uses_noise || row.noise_draw != kNoNoise);
      }
      EXPECT_EQ(table.noise_draws, draws);
      EXPECT_EQ(table.step_begins.size(), 12 - start);
      EXPECT_EQ(table.first_call + table.rows.size(), table.timesteps.size());
    }
  }
}

TEST(Samplers, GuidanceReachesEveryRow) {
  const StepTable table = make_table({.guidance = 3, .guidance_rescale = 0.5f}, {});
  for (const StepRow& row : table.rows) {
    EXPECT_EQ(row.guidance, 3);
    EXPECT_EQ(row.guidance_rescale, 0.5f);
  }
}

TEST(Samplers, StartingAfterTheLastStepLeavesTheLatentAlone) {
  const StepTable table = make_table({.steps = 8, .start_step = 8}, {});
  EXPECT_TRUE(table.rows.empty());
  EXPECT_EQ(table.clean_scale, 1);
  EXPECT_EQ(table.noise_scale, 0);
}

TEST(Strength, CountsStepsAsDiffusersDoes) {
  EXPECT_EQ(diffusers_start_step(10, 0.5f), 5u);
  EXPECT_EQ(diffusers_start_step(10, 0.9f), 1u);  // 0.9f is below 0.9
  EXPECT_EQ(diffusers_start_step(7, 0.33f), 5u);
  EXPECT_EQ(diffusers_start_step(10, 1), 0u);
  EXPECT_EQ(diffusers_start_step(10, 0), 10u);
  EXPECT_EQ(diffusers_start_step(10, 0.09f), 10u);
}

TEST(Strength, CountsStepsAsA1111Does) {
  EXPECT_EQ(a1111_start_step(20, 0.75f), 4u);
  EXPECT_EQ(a1111_start_step(20, 1), 0u);
  EXPECT_EQ(a1111_start_step(2000, 1), 1u);  // 0.999 of them, and one
  EXPECT_EQ(a1111_start_step(20, 0), 19u);
}

TEST(Strength, OutsideOfNothingAndAllIsRefused) {
  for (const float strength : {-0.1f, 1.01f, NAN, INFINITY}) {
    EXPECT_NE(usage_error([&] { diffusers_start_step(10, strength); }), "");
    EXPECT_NE(usage_error([&] { a1111_start_step(10, strength); }), "");
  }
}

TEST(BetaQuantile, HasTheKnownValues) {
  for (const double p : {0.0, 0.1, 0.37, 0.5, 0.8, 0.999, 1.0}) {
    EXPECT_NEAR(beta_quantile(p, 1), p, 1e-12);
    // The arcsine law
    EXPECT_NEAR(beta_quantile(p, 0.5), std::pow(std::sin(std::acos(-1.0) * p / 2), 2), 1e-12);
    // I_x(2, 2) = 3 x^2 - 2 x^3
    const double x = beta_quantile(p, 2);
    EXPECT_NEAR(3 * x * x - 2 * x * x * x, p, 1e-12);
  }
}

TEST(NoiseSchedule, CosineBetasGrowAndEndAtTheCap) {
  SchedulerConfig config;
  config.beta_schedule = BetaSchedule::squaredcos_cap_v2;
  const NoiseSchedule noise(config);
  EXPECT_NEAR(noise.betas().front(), 4.1e-5, 2e-6);
  EXPECT_NEAR(noise.betas().back(), 0.999, 1e-6);
  EXPECT_TRUE(std::ranges::is_sorted(noise.sigmas()));
}

TEST(NoiseSchedule, TimeAndSigmaAreEachOthersInverse) {
  const NoiseSchedule noise{SchedulerConfig{}};
  for (const double time : {0.0, 0.25, 17.5, 499.9, 999.0}) {
    EXPECT_NEAR(noise.time_of(noise.sigma_at_log(time)), time, 1e-9);
  }
  EXPECT_EQ(noise.time_of(1e-9), 0);
  EXPECT_EQ(noise.time_of(1e9), 999);
}

}  // namespace
}  // namespace kiln::test
