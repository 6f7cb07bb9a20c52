// bench picture: from the model's name to the pixels, in wall-clock time: the first picture of a
// process, more of them, and the first one after the model was opened again.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <optional>

#include "apps/kiln/bench.h"
#include "apps/kiln/bench_peaks.h"
#include "apps/kiln/options.h"
#include "models/pipeline/parts.h"
#include "runtime/base/error.h"
#include "runtime/execution/profile_summary.h"
#include "runtime/weights/json_text.h"

namespace kiln::app {
namespace {

using Clock = std::chrono::steady_clock;

struct BenchPictureArguments {
  ModelArguments model;
  RequestArguments request;
  std::string against, save;
  std::uint32_t repeat = 3;
  bool json = false;
};

// Seconds by what they were spent on, in order: "open", "first picture", ...
struct Times {
  struct Part {
    std::string name;
    std::vector<double> seconds;
    double median_s() const { return median(seconds); }
  };
  std::vector<Part> parts;

  void add(const std::string& name, double seconds) {
    for (Part& part : parts) {
      if (part.name == name) return part.seconds.push_back(seconds);
    }
    parts.push_back({name, {seconds}});
  }
};

// What was painted, and with what.
struct Painted {
  PipelineInfo info;
  Request request;
  std::size_t tuned = 0;  // problems
};

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// Opens the model and makes its first picture; more, if wanted.
void measure(const BenchPictureArguments& arguments, Terminal& terminal, bool again, Times& times,
             Painted& painted) {
  Request& request = painted.request;
  const std::string prefix = again ? "opened again: " : "";
  const Clock::time_point begin = Clock::now();
  Pipeline pipeline(arguments.model.resolve(terminal));
  times.add(prefix + "open", seconds_since(begin));
  painted.info = pipeline.info();
  painted.tuned = PipelineAccess::parts(pipeline).device.profile().tuned_kernels.size();
  request = arguments.request.resolve(pipeline.default_request());
  Clock::time_point denoising{}, picture = Clock::now();
  request.progress = [&](const Progress& progress) {
    if (progress.phase == "denoise" && progress.done == 0) denoising = Clock::now();
    return terminal.show(progress);
  };
  pipeline.generate(request);
  const double first_s = seconds_since(picture);
  times.add(prefix + "first picture", first_s);
  times.add(prefix + "of it until the first step was submitted",
            std::chrono::duration<double>(denoising - picture).count());
  times.add(prefix + "open and first picture", seconds_since(begin));
  for (std::uint32_t i = 0; !again && i < arguments.repeat; ++i) {
    picture = Clock::now();
    pipeline.generate(request);
    times.add("next picture", seconds_since(picture));
  }
  request.progress = {};
}

std::map<std::string, double> earlier_picture(const std::string& path) {
  std::map<std::string, double> times;
  const nlohmann::json file = read_json(path);
  try {
    for (const nlohmann::json& row : file.at("picture")) times[row.at("part")] = row.at("seconds");
  } catch (const nlohmann::json::exception&) {
    fail(path, "this is not what kiln bench picture --json writes");
  }
  return times;
}

void run(const BenchPictureArguments& arguments) {
  std::map<std::string, double> earlier;
  if (!arguments.against.empty()) earlier = earlier_picture(arguments.against);
  SavedJson saved(arguments.save);
  Terminal terminal(arguments.model.quiet);
  Times times;
  Painted painted;
  measure(arguments, terminal, false, times, painted);
  measure(arguments, terminal, true, times, painted);
  const auto& [info, request, tuned] = painted;
  const auto faster = [&](const Times::Part& part) {
    const auto before = earlier.find(part.name);
    return before == earlier.end() ? 0 : before->second / part.median_s();
  };
  nlohmann::json list = nlohmann::json::array();
  for (const Times::Part& part : times.parts) {
    list.push_back({{"part", part.name}, {"seconds", part.median_s()}, {"all", part.seconds}});
    if (faster(part) > 0) list.back()["times_as_fast"] = faster(part);
  }
  const nlohmann::json json = {
      {"bench", "picture"},
      {"model", info.model},
      {"device", {{"name", info.device}, {"driver", info.driver}, {"tuned_problems", tuned}}},
      {"precision", info.precision},
      {"width", request.width},
      {"height", request.height},
      {"steps", request.sampling.steps},
      {"guidance", request.sampling.guidance},
      {"sampler", request.sampling.sampler},
      {"picture", list}};
  saved.write(json);
  if (arguments.json) {
    fmt::print("{}\n", json.dump(2));
    return;
  }
  fmt::print("{} ({}), {}\n{}, {}x{}, {} steps, guidance {}, {}\n\n", info.device, info.driver,
             tuning_text(tuned), info.model, request.width, request.height, request.sampling.steps,
             request.sampling.guidance, info.precision);
  for (const Times::Part& part : times.parts) {
    const double gain = faster(part);
    fmt::print("{:<44} {:>9.3f} s{}\n", part.name, part.median_s(),
               gain > 0 ? fmt::format("   x{:.2f} of before", gain) : "");
  }
}

}  // namespace

void add_bench_picture(CLI::App& bench) {
  const auto arguments = std::make_shared<BenchPictureArguments>();
  CLI::App* command = bench.add_subcommand(
      "picture", "a whole picture: the first, the next, and the first of a model opened again");
  arguments->model.add_to(*command);
  arguments->request.add_to(*command);
  command->add_option("--repeat", arguments->repeat, "next pictures")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_option("--against", arguments->against,
                      "an earlier --json output: says how many times as fast each part is");
  command->add_option("--save", arguments->save, "write what --json prints to this file, too");
  command->add_flag("--json", arguments->json, "print all as JSON");
  command->callback([arguments] { run(*arguments); });
}

}  // namespace kiln::app
