// bench kernels: every shape of Stable Diffusion's networks, checked and then timed.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>

#include "apps/kiln/bench.h"
#include "apps/kiln/bench_report.h"
#include "apps/kiln/bench_shapes.h"
#include "apps/kiln/options.h"
#include "apps/kiln/terminal.h"
#include "models/pipeline/avoid_list.h"
#include "models/pipeline/tuning_file.h"
#include "runtime/base/error.h"
#include "runtime/ops/device_class.h"
#include "runtime/weights/json_text.h"

namespace kiln::app {
namespace {

constexpr std::string_view kGroups[] = {"matmul", "conv", "attention", "norm", "elementwise"};

struct BenchKernelsArguments {
  std::vector<std::string> sets, only, shapes, kernels, avoid;
  std::string device, precision = "auto", against, save;
  std::uint32_t repeat = 0, heaviest = 0;
  bool every_kernel = false, no_tuning = false, cold = false, list = false, json = false,
       quiet = false;
};

struct Work {
  std::string set;
  BenchShape shape;
};

bool contains(const std::vector<std::string>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

void check(const BenchKernelsArguments& arguments) {
  for (const std::string& group : arguments.only) {
    if (std::find(std::begin(kGroups), std::end(kGroups), group) != std::end(kGroups)) continue;
    fail_usage("--only", "is '{}', expected {}", group, fmt::join(kGroups, ", "));
  }
  for (const std::string& set : arguments.sets) {
    std::vector<std::string_view> names;
    for (const BenchSet& known : bench_sets()) names.push_back(known.name);
    if (std::find(names.begin(), names.end(), set) != names.end()) continue;
    fail_usage("--set", "is '{}', expected {}", set, fmt::join(names, ", "));
  }
  if (arguments.every_kernel && !arguments.kernels.empty()) {
    fail_usage("bench", "--kernel and --every-kernel: give one");
  }
  if (!arguments.shapes.empty() && arguments.only.size() != 1) {
    fail_usage("--shape", "needs one --only, which says of what it is a shape");
  }
  if (arguments.precision != "auto" && arguments.precision != "f32" &&
      arguments.precision != "f16") {
    fail_usage("--precision", "is '{}', expected auto, f32 or f16", arguments.precision);
  }
}

// The heaviest of each group first; norms and elementwise operations weigh their bytes.
std::vector<Work> of_set(const BenchSet& set, const BenchKernelsArguments& arguments) {
  std::vector<Work> chosen;
  const std::vector<BenchShape> shapes = set.shapes();
  for (const std::string_view group : kGroups) {
    if (!arguments.only.empty() && !contains(arguments.only, group)) continue;
    std::vector<Work> rows;
    for (const BenchShape& shape : shapes) {
      if (shape.problem.group() == group) rows.push_back({std::string(set.name), shape});
    }
    const auto weight = [](const Work& work) {
      const std::uint64_t flops = work.shape.problem.flops();
      return work.shape.count * (flops > 0 ? flops : work.shape.problem.bytes(DType::f32));
    };
    std::stable_sort(rows.begin(), rows.end(),
                     [&](const Work& a, const Work& b) { return weight(a) > weight(b); });
    if (arguments.heaviest > 0 && rows.size() > arguments.heaviest) {
      rows.resize(arguments.heaviest);
    }
    chosen.insert(chosen.end(), rows.begin(), rows.end());
  }
  return chosen;
}

// on_cpu: leaves out what takes a CPU too long, unless it was named.
std::vector<Work> work_of(const BenchKernelsArguments& arguments, bool on_cpu) {
  std::vector<Work> work;
  for (const std::string& shape : arguments.shapes) {
    work.push_back({"", {problem_from_name(arguments.only.front(), shape), 1}});
  }
  if (!work.empty()) return work;
  for (const BenchSet& set : bench_sets()) {
    const bool wanted =
        arguments.sets.empty() ? set.for_cpu || !on_cpu : contains(arguments.sets, set.name);
    if (!wanted) continue;
    const std::vector<Work> more = of_set(set, arguments);
    work.insert(work.end(), more.begin(), more.end());
  }
  return work;
}

void print_list(const BenchKernelsArguments& arguments) {
  for (const Work& work : work_of(arguments, false)) {
    const BenchProblem& problem = work.shape.problem;
    fmt::print("{:<10} {:<12} {:<32} {:>4} {:>10.3f} GFLOP\n", work.set, problem.group(),
               problem.name(), work.shape.count, double(problem.flops()) * 1e-9);
  }
}

// The ways to run one problem: the engine's own, the kernels named, or every one.
class Runner {
 public:
  Runner(const BenchKernelsArguments& arguments, Terminal& terminal)
      : arguments_(arguments), device_({.selector = arguments.device, .on_message = {}}) {
    device_.avoid(full_kernel_names(arguments.avoid));
    if (!arguments.no_tuning) {
      const auto warn = [&](std::string_view line) { terminal.warn(line); };
      device_.tune(read_tuning(device_.profile(), warn));
    }
    options_.repeat = arguments.repeat;
    options_.cold = arguments.cold;
    options_.probe_host = true;
    const bool halves = device_.profile().serves(kNeedStorage16);
    if (arguments.precision == "f16" && !halves) {
      fail_usage("--precision", "f16: {} has no 16-bit storage", device_.profile().name);
    }
    const bool wants_halves = arguments.precision == "auto" ? prefers_halves(device_.profile())
                                                            : arguments.precision == "f16";
    options_.element = wants_halves ? DType::f16 : DType::f32;
    kernels_ = full_kernel_names(arguments.kernels);
  }

  const PhysicalDeviceInfo& info() const { return device_.info(); }

  std::vector<BenchRow> run(const Work& work) {
    const std::string key(
        fmt::format("{} {}", work.shape.problem.group(), work.shape.problem.name()));
    auto known = measured_.find(key);
    if (known == measured_.end()) known = measured_.emplace(key, measure(work)).first;
    std::vector<BenchRow> rows;
    for (const BenchTimes& times : known->second) {
      rows.push_back({work.set, work.shape.count, work.shape.problem, options_.element, times});
    }
    return rows;
  }

 private:
  std::vector<BenchTimes> measure(const Work& work) {
    const BenchProblem& problem = work.shape.problem;
    std::vector<BenchTimes> all;
    if (arguments_.every_kernel) {
      DeviceProfile profile = device_.profile();
      while (true) {
        const std::vector<std::string> kernels = bench_kernels(profile, problem, options_);
        if (kernels.empty() && !all.empty()) return all;
        all.push_back(run_bench(device_, profile, problem, options_));
        if (kernels.empty()) return all;
        profile.avoided_kernels.insert(profile.avoided_kernels.end(), kernels.begin(),
                                       kernels.end());
      }
    }
    if (kernels_.empty()) return {run_bench(device_, device_.profile(), problem, options_)};
    for (const std::string& kernel : kernels_) {
      options_.kernel = kernel;
      all.push_back(run_bench(device_, device_.profile(), problem, options_));
    }
    return all;
  }

  const BenchKernelsArguments& arguments_;
  OpenDevice device_;
  BenchOptions options_;
  std::vector<std::string> kernels_;
  std::map<std::string, std::vector<BenchTimes>> measured_;
};

void report(const BenchKernelsArguments& arguments, const Runner& runner,
            const std::vector<BenchRow>& rows, const EarlierTimes& earlier, const BenchPeaks& peaks,
            SavedJson& saved) {
  const nlohmann::json json = {{"bench", "kernels"},
                               {"device", bench_device_json(runner.info())},
                               {"peaks", to_json(peaks)},
                               {"kernels", kernels_json(rows, peaks, earlier)}};
  saved.write(json);
  if (arguments.json) {
    fmt::print("{}\n", json.dump(2));
    return;
  }
  const DeviceProfile& device = runner.info().profile;
  fmt::print("{} ({}), {}\n{}", device.name, device.driver,
             tuning_text(device.tuned_kernels.size()), to_text(peaks));
  fmt::print("{}", kernels_text(rows, peaks, earlier));
}

void run(const BenchKernelsArguments& arguments) {
  check(arguments);
  full_kernel_names(arguments.kernels);
  full_kernel_names(arguments.avoid);
  if (arguments.list) return print_list(arguments);
  EarlierTimes earlier;
  if (!arguments.against.empty()) {
    earlier = earlier_times(read_json(arguments.against), arguments.against);
  }
  work_of(arguments, false);  // shapes that make no sense are told before a device is opened
  SavedJson saved(arguments.save);
  Terminal terminal(arguments.quiet);
  Runner runner(arguments, terminal);
  const BenchPeaks peaks = measure_bench_peaks(runner.info());
  const std::vector<Work> work = work_of(arguments, runner.info().profile.kind == DeviceKind::cpu);
  std::vector<BenchRow> rows;
  std::vector<std::string> wrong;
  for (std::size_t i = 0; i < work.size(); ++i) {
    const bool goes_on = terminal.show({"bench", std::uint32_t(i), std::uint32_t(work.size())});
    if (!goes_on) throw Error("[bench] cancelled", Fault::cancelled);
    for (BenchRow& row : runner.run(work[i])) {
      if (row.times.wrong) {
        wrong.push_back(
            fmt::format("{} ({})", row.problem.name(), fmt::join(row.times.kernels, " + ")));
      }
      rows.push_back(std::move(row));
    }
  }
  terminal.show({"bench", std::uint32_t(work.size()), std::uint32_t(work.size())});
  report(arguments, runner, rows, earlier, peaks, saved);
  if (!wrong.empty()) fail("bench", "wrong results: {}", fmt::join(wrong, ", "));
}

}  // namespace

void add_bench_kernels(CLI::App& bench) {
  const auto arguments = std::make_shared<BenchKernelsArguments>();
  CLI::App* command = bench.add_subcommand(
      "kernels", "operations alone, at the sizes of Stable Diffusion's networks");
  const auto several = [&](const char* name, std::vector<std::string>& into, const char* help) {
    add_repeated(*command, name, into, help);
  };
  several("--set", arguments->sets, "shapes of a network, see --list; may be given several times");
  several("--only", arguments->only, "matmul, conv, attention, norm or elementwise");
  several("--shape", arguments->shapes, "a shape of your own, as --list writes them, of --only");
  several("--kernel", arguments->kernels, "this kernel wherever it fits; several: side by side");
  command->add_flag("--every-kernel", arguments->every_kernel, "each kernel that can serve");
  add_avoid(*command, arguments->avoid);
  add_no_tuning(*command, arguments->no_tuning);
  command->add_option("--heaviest", arguments->heaviest, "only so many of each set and group")
      ->check(CLI::Range(1, 1000));
  command
      ->add_option("--repeat", arguments->repeat,
                   "launches timed (default: half a second of them, 3 to 100)")
      ->check(CLI::Range(1, 10000));
  command->add_flag("--cold", arguments->cold, "fill the device's caches before each launch");
  command->add_option("-d,--device", arguments->device, "device: its number or part of its name");
  command->add_option("--precision", arguments->precision, "auto, f32 or f16")
      ->capture_default_str();
  command->add_option("--against", arguments->against,
                      "an earlier --json output: says how many times as fast each is");
  command->add_option("--save", arguments->save, "write what --json prints to this file, too");
  command->add_flag("--list", arguments->list, "print the shapes; needs no device");
  command->add_flag("--json", arguments->json, "print all as JSON");
  command->add_flag("-q,--quiet", arguments->quiet, "no progress");
  command->callback([arguments] { run(*arguments); });
}

}  // namespace kiln::app
