// Every table and every trace of the reference's schedulers, through the host evaluator.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "models/sampling/samplers.h"
#include "models/sampling/table_evaluator.h"
#include "tests/models/sampling/golden_schedulers.h"

namespace kiln::test {
namespace {

using Json = nlohmann::json;

// Bounds of tests/golden/README.md.
constexpr double kTimestepBound = 1e-3, kSigmaBound = 1e-5, kTraceBound = 1e-5;

SamplerChoice choice_of(const SchedulerConfig& config, std::uint32_t steps) {
  SamplerChoice choice = choice_from_config(config);
  choice.steps = steps;
  return choice;
}

double root_mean_square(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value * value;
  return std::sqrt(sum / double(values.size()));
}

double error(std::vector<double> a, const std::vector<double>& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] -= b.at(i);
  return root_mean_square(a);
}

// Root mean square of a - b, relative to that of b.
double normalised_error(const std::vector<double>& a, const std::vector<double>& b) {
  return error(a, b) / root_mean_square(b);
}

void expect_near_all(const std::vector<double>& ours, const std::vector<double>& golden,
                     double absolute, double relative) {
  ASSERT_EQ(ours.size(), golden.size());
  for (std::size_t i = 0; i < ours.size(); ++i) {
    EXPECT_NEAR(ours[i], golden[i], absolute + relative * std::abs(golden[i])) << "entry " << i;
  }
}

TEST(SchedulersGolden, TimestepsSigmasAndStartScaleAreThoseOfTheReference) {
  const GoldenTensors golden("schedulers/golden.safetensors");
  const Json variants = golden_json("schedulers/golden.json")["tables"];
  int tables = 0;
  for (const auto& [variant, json] : variants.items()) {
    const SchedulerConfig config = scheduler_config(json, variant);
    for (const std::uint32_t steps : {1u, 4u, 20u, 50u}) {
      const std::string name = "table/" + variant + "/" + std::to_string(steps);
      if (!golden.has(name + "/timesteps")) continue;
      SCOPED_TRACE(name);
      const StepTable table = make_table(choice_of(config, steps), config);
      expect_near_all(table.timesteps, golden.read(name + "/timesteps"), kTimestepBound, 0);
      EXPECT_NEAR(table.initial_scale, golden.read(name + "/init_noise_sigma")[0],
                  kSigmaBound * double(table.initial_scale));
      if (golden.has(name + "/sigmas")) {
        expect_near_all(table.sigmas, golden.read(name + "/sigmas"), 0, kSigmaBound);
      }
      ASSERT_EQ(table.rows.size(), table.timesteps.size());
      for (std::size_t i = 0; i < table.rows.size(); ++i) {
        EXPECT_EQ(table.rows[i].timestep, float(table.timesteps[i])) << "row " << i;
      }
      ++tables;
    }
  }
  EXPECT_GE(tables, 160);
}

class Trace {
 public:
  Trace(const GoldenTensors& golden, const std::string& name, const Json& json)
      : golden_(golden), name_(name) {
    const SchedulerConfig config = scheduler_config(json["config"], name);
    SamplerChoice choice = choice_of(config, json["steps"]);
    if (json.contains("eta")) choice.eta = json["eta"];
    table_ = make_table(choice, config);
    EXPECT_EQ(table_.rows.size(), json["calls"].get<std::size_t>());
    EXPECT_EQ(table_.noise_draws, json["noises"].get<std::size_t>());
  }

  void run() {
    std::vector<double> start = golden_.read("trace/init_noise");
    const std::size_t count = start.size();
    for (double& value : start) value *= double(table_.initial_scale);
    // The reference subtracts float32 latents as large as the start: with zero terminal SNR, where
    // that is 4096 times the noise, its own rounding exceeds the relative bound.
    const double rounding = 0x1p-23 * root_mean_square(start);
    TableEvaluator evaluator(std::move(start));
    const std::vector<double> outputs = golden_.read("trace/model_outputs");
    const std::vector<double> noises =
        table_.noise_draws > 0 ? golden_.read(name_ + "/noise") : std::vector<double>{};
    const std::vector<double> samples = golden_.read(name_ + "/samples");
    const std::vector<double> inputs = golden_.read(name_ + "/model_inputs");
    expect_near_all(table_.timesteps, golden_.read(name_ + "/timesteps"), kTimestepBound, 0);
    const auto part = [&](const std::vector<double>& all, std::size_t i) {
      return std::vector<double>(all.begin() + std::ptrdiff_t(i * count),
                                 all.begin() + std::ptrdiff_t((i + 1) * count));
    };
    for (std::size_t i = 0; i < table_.rows.size(); ++i) {
      const StepRow& row = table_.rows[i];
      const std::vector<double> input = part(inputs, i), sample = part(samples, i);
      EXPECT_LT(error(evaluator.network_input(row), input),
                kTraceBound * root_mean_square(input) + rounding * double(row.input_scale));
      const bool noisy = row.noise_draw != kNoNoise;
      evaluator.apply(row, part(outputs, i),
                      noisy ? part(noises, row.noise_draw - 1) : std::vector<double>{});
      EXPECT_LT(error(evaluator.latent(), sample),
                kTraceBound * root_mean_square(sample) + rounding)
          << "after call " << i;
    }
  }

 private:
  const GoldenTensors& golden_;
  std::string name_;
  StepTable table_;
};

TEST(SchedulersGolden, EveryTraceIsThatOfTheReference) {
  const GoldenTensors golden("schedulers/golden.safetensors");
  const Json traces = golden_json("schedulers/golden.json")["traces"];
  ASSERT_EQ(traces.size(), 56u);
  for (const auto& [name, json] : traces.items()) {
    SCOPED_TRACE(name);
    Trace(golden, name, json).run();
  }
}

TEST(SchedulersGolden, BetasAndTheirProductsAreTheReferencesBits) {
  const GoldenTensors golden("schedulers/golden.safetensors");
  SchedulerConfig config;
  const NoiseSchedule noise(config);
  EXPECT_EQ(noise.betas(), golden.read("betas"));
  EXPECT_EQ(noise.alpha_bars(), golden.read("alphas_cumprod"));
  config.rescale_betas_zero_snr = true;
  const NoiseSchedule zero(config);
  expect_near_all(zero.alpha_bars(), golden.read("alphas_cumprod_zero_snr"), 0, 1e-6);
  EXPECT_EQ(zero.alpha_bars().back(), 0);
  EXPECT_NEAR(zero.sigmas().back(), 4096, 0.01);
}

TEST(SchedulersGolden, ACleanLatentIsNoisedToTheStartStepAsInTheReference) {
  const GoldenTensors golden("schedulers/golden.safetensors");
  const Json variants = golden_json("schedulers/golden.json")["tables"];
  const std::vector<double> clean = golden.read("add_noise/clean");
  const std::vector<double> noise = golden.read("add_noise/noise");
  for (const char* variant :
       {"ddim_eta0", "dpmpp_2m_karras", "euler", "heun", "lms", "pndm", "unipc"}) {
    SCOPED_TRACE(variant);
    const SchedulerConfig config = scheduler_config(variants[variant], variant);
    const std::string name = std::string("add_noise/") + variant;
    SamplerChoice choice = choice_of(config, 10);
    const double timestep = golden.read(name + "/t")[0];
    // The case of PNDM counts calls, of which the second repeats a step
    choice.start_step = std::string(variant) == "pndm" ? 4 : 5;
    const StepTable table = make_table(choice, config);
    EXPECT_NEAR(table.rows[0].timestep, timestep, kTimestepBound);
    std::vector<double> ours;
    for (std::size_t i = 0; i < clean.size(); ++i) {
      ours.push_back(double(table.clean_scale) * clean[i] + double(table.noise_scale) * noise[i]);
    }
    EXPECT_LT(normalised_error(ours, golden.read(name + "/out")), 1e-6);
  }
}

// Every object below that has a _class_name must give a table.
std::size_t build_all(const Json& json, const std::string& place) {
  if (!json.is_structured()) return 0;
  std::size_t built = 0;
  if (json.is_object() && json.contains("_class_name")) {
    const SchedulerConfig config = scheduler_config(json, place);
    EXPECT_FALSE(make_table(choice_of(config, 10), config).rows.empty()) << place;
    ++built;
  }
  for (const auto& [key, value] : json.items()) built += build_all(value, place + "/" + key);
  return built;
}

TEST(SchedulersGolden, EveryConfigOfThePipelineCasesGivesATable) {
  EXPECT_GE(build_all(golden_json("sd15-tiny/golden.json"), "sd15-tiny"), 23u);
  EXPECT_GE(build_all(golden_json("sd15-tiny-img2img/golden.json"), "img2img"), 13u);
}

}  // namespace
}  // namespace kiln::test
