// What the host computes: step tables against recorded runs, and random numbers.
#include <algorithm>

#include "apps/kiln/verify.h"
#include "models/sampling/random.h"
#include "models/sampling/samplers.h"
#include "models/sampling/scheduler_config.h"
#include "models/sampling/table_evaluator.h"
#include "runtime/base/error.h"

namespace kiln::app {
namespace {

// Element-wise slices of a [calls, ...] tensor.
std::vector<double> slice(const std::vector<float>& values, std::size_t index, std::size_t size) {
  const auto begin = values.begin() + std::ptrdiff_t(index * size);
  return {begin, begin + std::ptrdiff_t(size)};
}

StepTable table_of(const nlohmann::json& entry) {
  const SchedulerConfig config = scheduler_config(entry.at("config"), "golden.json");
  SamplerChoice choice = choice_from_config(config);
  choice.steps = entry.at("steps");
  choice.guidance = 1;
  if (find_sampler(choice.sampler).takes_eta && entry.contains("eta")) {
    choice.eta = entry.at("eta").get<double>();
  }
  return make_table(choice, config);
}

void check_trace(const GoldenFolder& golden, const std::string& name, const nlohmann::json& entry,
                 Report& report) {
  const StepTable table = table_of(entry);
  const std::vector<float> noise_start = golden.values("trace/init_noise");
  const std::vector<float> outputs = golden.values("trace/model_outputs");
  const std::size_t size = noise_start.size();
  const std::vector<float> noise =
      golden.has(name + "/noise") ? golden.values(name + "/noise") : std::vector<float>();
  std::vector<double> start(noise_start.begin(), noise_start.end());
  for (double& value : start) value *= table.initial_scale;
  TableEvaluator evaluator(start);
  std::vector<float> samples, inputs;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    const std::vector<double> input = evaluator.network_input(table.rows[row]);
    inputs.insert(inputs.end(), input.begin(), input.end());
    const std::uint32_t draw = table.rows[row].noise_draw;
    const std::vector<double> fresh =
        draw == kNoNoise ? std::vector<double>() : slice(noise, draw - 1, size);
    evaluator.apply(table.rows[row], slice(outputs, row, size), fresh);
    samples.insert(samples.end(), evaluator.latent().begin(), evaluator.latent().end());
  }
  // The reference subtracts float32 latents as large as the start: at sigma 4096 its own rounding
  // exceeds the bound.
  const double bound = 1e-5 + 0x1p-23 * table.initial_scale;
  report.comparisons.push_back(
      compare(name + "/samples", samples, golden.values(name + "/samples"), bound));
  report.comparisons.push_back(
      compare(name + "/model_inputs", inputs, golden.values(name + "/model_inputs"), bound));
  report.comparisons.push_back(compare_absolute(
      name + "/timesteps", std::vector<float>(table.timesteps.begin(), table.timesteps.end()),
      golden.values(name + "/timesteps"), 1e-3));
}

// "1x4x64x64" to the number of values.
std::uint64_t count_of(const std::string& shape) {
  std::uint64_t count = 1, number = 0;
  for (const char c : shape + "x") {
    if (c == 'x') {
      count *= number;
      number = 0;
    } else {
      number = number * 10 + std::uint64_t(c - '0');
    }
  }
  return count;
}

void check_ends(const GoldenFolder& golden, const std::string& name,
                const std::vector<float>& values, double bound, Report& report) {
  for (const char* end : {"first", "last"}) {
    const std::string full = name + "/" + end;
    const std::vector<float> expected = golden.values(full);
    const std::size_t count = std::min(expected.size(), values.size());
    const std::size_t from = std::string_view(end) == "first" ? 0 : values.size() - count;
    const auto begin = values.begin() + std::ptrdiff_t(from);
    report.comparisons.push_back(
        compare_absolute(full, {begin, begin + std::ptrdiff_t(count)}, expected, bound));
  }
}

}  // namespace

void verify_schedulers(const VerifyOptions& options, const std::filesystem::path& folder,
                       Report& report) {
  const GoldenFolder golden(folder);
  for (const auto& [name, entry] : golden.cases().at("traces").items()) {
    if (!options.wants(name)) continue;
    try {
      check_trace(golden, name, entry, report);
    } catch (const Error& error) {
      report.comparisons.push_back({.name = name, .note = error.what()});
    }
  }
}

void verify_random(const VerifyOptions& options, const std::filesystem::path& folder,
                   Report& report) {
  const GoldenFolder golden(folder);
  for (const auto& [name, entry] : golden.cases().items()) {
    const bool cpu = name.starts_with("cpu/seed"), philox = name.starts_with("philox/seed");
    if (!cpu && !philox) continue;  // sequences and uniforms are the unit tests' matter
    if (!options.wants(name)) continue;
    const std::size_t at = name.find("seed") + 4, slash = name.find('/', at);
    const std::uint64_t seed = std::stoull(name.substr(at, slash - at));
    const std::uint64_t count = count_of(name.substr(slash + 1));
    std::vector<float> values(count);
    if (cpu) {
      TorchCpuRandom(seed).normals(values);
    } else {
      philox_normals(seed, 0, 0, values);
    }
    check_ends(golden, name, values, cpu ? 1e-6 : 3e-6, report);
  }
}

}  // namespace kiln::app
