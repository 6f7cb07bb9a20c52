// bench stages: text encoder, guided step, decoder and encoder of a model.
#include <fmt/format.h>

#include <map>
#include <memory>
#include <optional>

#include "apps/kiln/bench.h"
#include "apps/kiln/bench_peaks.h"
#include "apps/kiln/bench_stage_run.h"
#include "apps/kiln/options.h"
#include "models/families/model.h"
#include "models/pipeline/avoid_list.h"
#include "models/pipeline/request_check.h"
#include "models/pipeline/tuning_file.h"
#include "runtime/base/error.h"
#include "runtime/weights/json_text.h"

namespace kiln::app {
namespace {

struct BenchStagesArguments {
  ModelArguments model;
  std::optional<std::uint32_t> width, height;
  std::vector<std::string> without;
  std::string against, save;
  std::uint32_t repeat = 3;
  bool json = false;
};

struct Report {
  const StageBenchResult& result;
  const StageBench& bench;
  const PhysicalDeviceInfo& device;
  const BenchPeaks& peaks;
  const std::map<std::string, double>& earlier;  // ms of the first variant by key()

  // Times of different sizes or element types are not compared.
  std::string key(const std::string& stage) const {
    return fmt::format("{} {} {}x{} {}", stage, result.info.model, bench.width, bench.height,
                       result.info.precision);
  }
  double times_as_fast(const StageTimes& times) const {
    const auto before = earlier.find(key(times.stage));
    return before == earlier.end() || !(times.median_ms() > 0) ? 0
                                                               : before->second / times.median_ms();
  }
};

std::map<std::string, double> earlier_stages(const std::string& path) {
  std::map<std::string, double> times;
  const nlohmann::json file = read_json(path);
  try {
    for (const nlohmann::json& row : file.at("stages")) {
      if (row.at("variant").get<std::string>().empty()) times[row.at("key")] = row.at("ms");
    }
  } catch (const nlohmann::json::exception&) {
    fail(path, "this is not what kiln bench stages --json writes");
  }
  return times;
}

std::string text_of(const Report& report) {
  std::string text =
      fmt::format("{:<32} {:>10} {:>11} {:>8} {:>9} {:>9} {:>8} {:>7} {:>7}\n", "stage",
                  "dispatches", "ms", "spread", "GFLOP", "GFLOP/s", "of peak", "gaps", "passes");
  double first_ms = 0;  // of the variant that others are compared with
  for (const StageTimes& times : report.result.times) {
    if (times.variant.empty()) first_ms = times.median_ms();
    const double gflops = times.gflops_a_second();
    text += fmt::format(
        "{:<32} {:>10} {:>11.3f} {:>6.1f} % {:>9.2f} {:>9.2f} {:>8} {:>5.1f} % {:>5.1f} %",
        times.stage + (times.variant.empty() ? "" : ", " + times.variant), times.dispatches,
        times.median_ms(), times.spread() * 100, double(times.flops) * 1e-9, gflops,
        percent_or_dash(gflops, report.peaks.gflops()), times.gaps() * 100, times.passes() * 100);
    if (!times.variant.empty() && times.median_ms() > 0) {
      text += fmt::format("   x{:.2f} of the first", first_ms / times.median_ms());
    }
    if (const double faster = report.times_as_fast(times); faster > 0) {
      text += fmt::format("   x{:.2f} of before", faster);
    }
    text += '\n';
  }
  return text +
         "gaps: time without a kernel, of a run whose dispatches are timed; passes: norms and "
         "elementwise operations, of the kernels' time\n";
}

nlohmann::json json_of(const Report& report) {
  nlohmann::json list = nlohmann::json::array();
  for (const StageTimes& times : report.result.times) {
    const double gflops = times.gflops_a_second(), peak = report.peaks.gflops();
    list.push_back({{"stage", times.stage},
                    {"variant", times.variant},
                    {"key", report.key(times.stage)},
                    {"dispatches", times.dispatches},
                    {"ms", times.median_ms()},
                    {"runs_ms", times.ms},
                    {"spread", times.spread()},
                    {"flops", times.flops},
                    {"gflops_per_second", gflops},
                    {"share_of_peak_flops", peak > 0 ? gflops / peak : 0},
                    {"kernels_ms", times.kernels_ms},
                    {"timed_ms", times.timed_ms},
                    {"gaps", times.gaps()},
                    {"undisturbed_gaps", times.undisturbed_gaps()},
                    {"passes", times.passes()}});
    if (const double faster = report.times_as_fast(times); faster > 0) {
      list.back()["times_as_fast"] = faster;
    }
  }
  return {{"bench", "stages"},
          {"model", report.result.info.model},
          {"precision", report.result.info.precision},
          {"width", report.bench.width},
          {"height", report.bench.height},
          {"device", bench_device_json(report.device)},
          {"peaks", to_json(report.peaks)},
          {"stages", list}};
}

std::vector<BenchVariant> variants_of(const BenchStagesArguments& arguments, Terminal& terminal) {
  const ModelOptions options = arguments.model.resolve(terminal);
  std::vector<BenchVariant> variants = {{"", options}};
  for (const std::string& kernel : full_kernel_names(arguments.without)) {
    variants.push_back({"without " + kernel, options});
    variants.back().options.avoid.push_back(kernel);
  }
  return variants;
}

void run(const BenchStagesArguments& arguments) {
  Terminal terminal(arguments.model.quiet);
  const std::vector<BenchVariant> variants = variants_of(arguments, terminal);
  std::map<std::string, double> earlier;
  if (!arguments.against.empty()) earlier = earlier_stages(arguments.against);
  SavedJson saved(arguments.save);
  const Model model =
      open_model(variants[0].options.model.empty() ? default_model() : variants[0].options.model,
                 {.config_folder = arguments.model.options.config_folder,
                  .vocabulary_folder = arguments.model.options.vocabulary_folder,
                  .lenient = arguments.model.options.lenient,
                  .warn = {}});
  StageBench bench{.width = arguments.width.value_or(model.native_size),
                   .height = arguments.height.value_or(model.native_size),
                   .repeat = arguments.repeat};
  check_size(bench.width, bench.height, model);
  PhysicalDeviceInfo device;
  {
    OpenDevice open({.selector = arguments.model.options.device, .on_message = {}});
    // A file that cannot be used is told of when the stages' own devices are opened.
    if (variants[0].options.uses_tuning) open.tune(read_tuning(open.profile(), {}));
    device = open.info();
  }
  const BenchPeaks peaks = measure_bench_peaks(device);
  const auto total = std::uint32_t(4 * 2 * (arguments.repeat + 1) * variants.size());
  std::uint32_t done = 0;
  bench.tell = [&] {
    if (!terminal.show({"bench", done++, total})) {
      throw Error("[bench] cancelled", Fault::cancelled);
    }
  };
  const StageBenchResult result = bench_stages(variants, bench);
  terminal.show({"bench", total, total});
  const Report report{result, bench, device, peaks, earlier};
  const nlohmann::json json = json_of(report);
  saved.write(json);
  if (arguments.json) {
    fmt::print("{}\n", json.dump(2));
    return;
  }
  fmt::print("{} ({})\n{}{}, {}x{}, {}, {}\n\n{}", device.profile.name, device.profile.driver,
             to_text(peaks), result.info.model, bench.width, bench.height, result.info.precision,
             tuning_text(device.profile.tuned_kernels.size()), text_of(report));
}

}  // namespace

void add_bench_stages(CLI::App& bench) {
  const auto arguments = std::make_shared<BenchStagesArguments>();
  CLI::App* command = bench.add_subcommand(
      "stages", "text encoder, guided step (both prompts as one batch), decoder and encoder");
  arguments->model.add_to(*command);
  command->add_option("-W,--width", arguments->width, "pixels (default: the model's own)");
  command->add_option("-H,--height", arguments->height, "pixels (default: the model's own)");
  command->add_option("--repeat", arguments->repeat, "runs of each stage that count")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  add_repeated(*command, "--without", arguments->without,
               "measure also without this kernel, in turn; may be given several times");
  command->add_option("--against", arguments->against,
                      "an earlier --json output: says how many times as fast each stage is");
  command->add_option("--save", arguments->save, "write what --json prints to this file, too");
  command->add_flag("--json", arguments->json, "print all as JSON");
  command->callback([arguments] { run(*arguments); });
}

}  // namespace kiln::app
