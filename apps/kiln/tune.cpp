// tune: finds the fastest kernels and tiles for a model on this device, and keeps them.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "apps/kiln/commands.h"
#include "apps/kiln/options.h"
#include "apps/kiln/tune_run.h"
#include "models/pipeline/driver_cache.h"
#include "models/pipeline/memory_budget.h"
#include "models/pipeline/parts.h"
#include "models/pipeline/request_check.h"
#include "models/pipeline/tuning_file.h"
#include "runtime/base/error.h"

namespace kiln::app {
namespace {

struct TuneArguments {
  ModelArguments model;
  std::optional<std::uint32_t> width, height;
  std::string stage = "all";
  std::uint32_t heaviest = 0;
  bool forget = false, json = false;
};

struct Row {
  TuneProblem problem;
  TuneResult result;
};

std::vector<Plan> plans_of(const TuneArguments& arguments, const Pipeline::Parts& parts,
                           std::uint64_t max_memory) {
  const Model& model = parts.model;
  const std::uint32_t width = arguments.width.value_or(model.native_size);
  const std::uint32_t height = arguments.height.value_or(model.native_size);
  check_size(width, height, model);
  const float guidance = model.defaults.guidance.value_or(SamplerSettings{}.guidance);
  const StageShape shape = stage_shape(model, width, height, 1, guidance > 1);
  const DeviceProfile& device = parts.device.profile();
  const auto wanted = [&](std::string_view stage) {
    return arguments.stage == stage || arguments.stage == "all";
  };
  const auto make = [&](const Measures& measures) {
    const StageTarget target{.element = parts.element, .device = &device, .measures = measures};
    std::vector<Plan> plans;
    if (wanted("text")) plans.push_back(plan_text(model, target, shape.prompts(), 0));
    if (wanted("encode")) {
      plans.push_back(plan_encode(model, target, shape, NoiseSource::philox));
    }
    if (wanted("denoise")) {
      plans.push_back(plan_start(model, target, shape));  // keys and values of the prompts
      plans.push_back(plan_denoise(model, target, shape));
    }
    if (wanted("decode")) plans.push_back(plan_decode(model, target, shape));
    return plans;
  };
  return make(fit_memory(make, max_memory, device.binding_alignment).measures);
}

// Sums over all uses of the problems.
struct Sums {
  double usual_ms = 0, best_ms = 0;
  std::size_t changed = 0;
};

Sums sums_of(const std::vector<Row>& rows) {
  Sums sums;
  for (const Row& row : rows) {
    sums.usual_ms += row.problem.count * row.result.usual_ms;
    sums.best_ms += row.problem.count * row.result.best_ms;
    sums.changed += !row.result.is_usual();
  }
  return sums;
}

void print_text(const std::vector<Row>& rows, const DeviceProfile& device) {
  fmt::print("{} ({})\n\n{:<40} {:>5}  {:<26} {:>10}  {:<26} {:>10} {:>6}\n", device.name,
             device.driver, "problem", "times", "usual", "ms", "chosen", "ms", "");
  for (const auto& [problem, result] : rows) {
    fmt::print("{:<40} {:>5}  {:<26} {:>10.3f}  {:<26} {:>10.3f} {:>6}\n", problem.name,
               problem.count, short_text(result.usual), result.usual_ms,
               result.is_usual() ? "the same" : short_text(result.best), result.best_ms,
               result.is_usual() ? "" : fmt::format("x{:.2f}", result.times_as_fast()));
  }
  const Sums sums = sums_of(rows);
  fmt::print(
      "\n{} of {} problems are done faster by another choice; all together {:.1f} ms, "
      "before {:.1f} ms\n",
      sums.changed, rows.size(), sums.best_ms, sums.usual_ms);
}

nlohmann::json choice_json(const KernelChoice& choice, double ms) {
  return {{"kernel", choice.kernel}, {"tile", choice.tile}, {"ms", ms}};
}

void print_json(const std::vector<Row>& rows, const DeviceProfile& device,
                const std::string& file) {
  nlohmann::json list = nlohmann::json::array();
  for (const auto& [problem, result] : rows) {
    list.push_back({{"problem", problem.name},
                    {"count", problem.count},
                    {"choices", problem.choices.size()},
                    {"usual", choice_json(result.usual, result.usual_ms)},
                    {"best", choice_json(result.best, result.best_ms)},
                    {"times_as_fast", result.times_as_fast()},
                    {"failures", result.failures}});
  }
  const nlohmann::json json = {
      {"driver", driver_identity(device)}, {"file", file}, {"problems", list}};
  fmt::print("{}\n", json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
}

// What was found is kept at once, so that nothing is lost when the user has waited long enough.
std::vector<Row> tune_all(OpenDevice& device, std::vector<TuneProblem> problems,
                          Terminal& terminal) {
  TunedKernels kept =
      read_tuning(device.profile(), [&](std::string_view line) { terminal.warn(line); });
  std::vector<Row> rows;
  const auto total = std::uint32_t(problems.size());
  for (TuneProblem& problem : problems) {
    if (!terminal.show({"tune", std::uint32_t(rows.size()), total})) {
      throw Error("[tune] cancelled", Fault::cancelled);
    }
    const TuneResult result = tune(device, problem);
    for (const std::string& failure : result.failures) terminal.warn(failure);
    const TunedKernels before = kept;
    kept.erase(problem.name);
    if (!result.is_usual()) kept.emplace(problem.name, result.best);
    if (kept != before) write_tuning(device.profile(), kept);
    rows.push_back({std::move(problem), result});
  }
  terminal.show({"tune", total, total});
  return rows;
}

void forget(const TuneArguments& arguments) {
  const OpenDevice device({.selector = arguments.model.options.device, .on_message = {}});
  write_tuning(device.profile(), {});
}

void run(const TuneArguments& arguments) {
  if (arguments.forget) return forget(arguments);
  Terminal terminal(arguments.model.quiet);
  ModelOptions options = arguments.model.resolve(terminal);
  options.uses_tuning = options.keeps_pipelines = false;
  Pipeline pipeline(options);
  Pipeline::Parts& parts = PipelineAccess::parts(pipeline);
  const std::vector<Plan> plans = plans_of(arguments, parts, options.max_memory_bytes);
  if (plans.empty()) {
    fail_usage("--stage", "is '{}', expected text, encode, denoise, decode or all",
               arguments.stage);
  }
  std::vector<TuneProblem> problems = tune_problems(plans, parts.device.profile());
  if (arguments.heaviest > 0 && problems.size() > arguments.heaviest) {
    problems.resize(arguments.heaviest);
  }
  const std::string file = tuning_file(parts.device.profile()).string();
  const std::vector<Row> rows = tune_all(parts.device, std::move(problems), terminal);
  if (arguments.json) return print_json(rows, parts.device.profile(), file);
  print_text(rows, parts.device.profile());
  fmt::print("kept in {}\n", file);
}

}  // namespace

void add_tune(CLI::App& program) {
  const auto arguments = std::make_shared<TuneArguments>();
  CLI::App* command = program.add_subcommand(
      "tune", "find the fastest kernels and tiles for a model on this device, and keep them");
  arguments->model.add_to(*command);
  command->add_option("-W,--width", arguments->width, "pixels (default: the model's own)");
  command->add_option("-H,--height", arguments->height, "pixels (default: the model's own)");
  command->add_option("--stage", arguments->stage, "text, encode, denoise, decode or all")
      ->capture_default_str();
  command->add_option("--heaviest", arguments->heaviest, "only so many problems, of the most work")
      ->check(CLI::Range(1, 10000));
  command->add_flag("--forget", arguments->forget,
                    "forget all that was found for this device and driver, and do no more");
  command->add_flag("--json", arguments->json, "print all as JSON");
  command->callback([arguments] { run(*arguments); });
}

}  // namespace kiln::app
