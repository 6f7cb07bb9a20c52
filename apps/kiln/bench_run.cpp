// Recording a problem, writing its operands, comparing its sample, and timing it.
#include "apps/kiln/bench_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>

#include "apps/kiln/bench_probe.h"
#include "kernels/peak_stream.h"
#include "runtime/base/align.h"
#include "runtime/base/error.h"
#include "runtime/execution/executor.h"
#include "runtime/execution/profile_summary.h"
#include "runtime/graph/fusion.h"
#include "runtime/graph/lowering.h"
#include "runtime/reference/interpreter.h"

namespace kiln::app {
namespace {

constexpr std::string_view kResult = "bench.result";
constexpr std::uint32_t kFewest = 3, kMost = 100;
constexpr std::uint64_t kCacheBytes = 128ull << 20;

// Passes through a buffer larger than caches.
class FillCaches : public Op {
 public:
  std::string_view name() const override { return "fill_caches"; }
  void lower(Lowering& to) const override {
    constexpr std::uint32_t kWorkgroup = 64;
    const std::uint32_t quads = to.shape(0).channels / 4;
    to.dispatch<kernels::peak_stream>({to.input(0)}, {.quads = quads, .addend = 1.0f},
                                      {.workgroup = kWorkgroup},
                                      to.folded(divide_up(quads, kWorkgroup)));
  }
};

std::string input_name(std::size_t index) { return fmt::format("bench.input.{}", index); }

std::string launch_path(std::uint32_t launch) { return fmt::format("launch{}", launch); }

using Element = std::function<float(std::size_t operand, std::uint64_t index)>;

struct Operands {
  std::vector<Tensor> inputs, weights;
};

Operands declare(Graph& graph, const BenchProblem& problem, const Element& element) {
  Operands operands;
  for (std::size_t i = 0; i < problem.inputs.size(); ++i) {
    operands.inputs.push_back(
        graph.persistent(input_name(i), problem.inputs[i], graph.element(), Traffic::host_writes));
  }
  for (std::size_t i = 0; i < problem.weights.size(); ++i) {
    const std::size_t operand = problem.inputs.size() + i;
    const auto read = [element, operand](std::span<std::byte> out) {
      for (std::size_t at = 0; at < out.size() / sizeof(float); ++at) {
        const float value = element(operand, at);
        std::memcpy(out.data() + at * sizeof(float), &value, sizeof(value));
      }
    };
    operands.weights.push_back(graph.constant({.name = fmt::format("bench.weight.{}", i),
                                               .dims = problem.weights[i],
                                               .dtype = DType::f32,
                                               .read = read}));
  }
  return operands;
}

Plan plan_of(const DeviceProfile& profile, const BenchProblem& problem, const BenchOptions& options,
             std::uint32_t launches) {
  Graph graph("bench", options.element);
  const Operands operands = declare(
      graph, problem,
      [problem](std::size_t operand, std::uint64_t i) { return bench_value(problem, operand, i); });
  Tensor result;
  for (std::uint32_t launch = 0; launch < launches; ++launch) {
    if (options.cold) {
      const auto floats = std::uint32_t(std::min(kCacheBytes, profile.max_binding_bytes) / 16 * 4);
      const Tensor buffer = graph.persistent("bench.caches", {1, 1, 1, floats}, DType::f32);
      graph.record_effect(std::make_unique<FillCaches>(), {buffer}, "caches");
    }
    result = problem.record(operands.inputs, operands.weights, launch_path(launch));
  }
  graph.keep(result, kResult, Traffic::host_reads);
  return compile(graph, profile, {options.kernel, options.tile});
}

std::vector<std::string> kernels_of(const Plan& plan) {
  std::vector<std::string> kernels;
  for (const Dispatch& dispatch : plan.dispatches) {
    const std::string name(dispatch.kernel->name);
    if (plan.nodes[dispatch.node].path != launch_path(0)) continue;
    if (std::find(kernels.begin(), kernels.end(), name) == kernels.end()) kernels.push_back(name);
  }
  return kernels;
}

void write_inputs(Executor& executor, const BenchProblem& problem, DType element) {
  for (std::size_t i = 0; i < problem.inputs.size(); ++i) {
    std::vector<double> values(problem.inputs[i].elements());
    for (std::size_t at = 0; at < values.size(); ++at) values[at] = bench_value(problem, i, at);
    executor.write(input_name(i), reference::to_bytes(values, element));
  }
}

// What the sample should be, in double.
reference::Answer expected(const BenchProblem& problem, const BenchSample& sample, DType type) {
  const auto element = [&](std::size_t operand, std::uint64_t index) {
    const std::uint64_t from = sample.operands[operand][index];
    return from == BenchSample::kZero ? 0.0f : bench_value(problem, operand, from);
  };
  Graph graph("bench.sample", type);
  const Operands operands = declare(graph, sample.small, element);
  sample.small.record(operands.inputs, operands.weights, "sample");
  const std::vector<Node> nodes = fuse(graph);
  reference::Interpreter interpreter(graph);
  for (std::size_t i = 0; i < sample.small.inputs.size(); ++i) {
    reference::Numbers values(sample.small.inputs[i].elements());
    for (std::size_t at = 0; at < values.size(); ++at) {
      values[at] = reference::stored(element(i, at), type);
    }
    interpreter.write(input_name(i), std::move(values));
  }
  interpreter.run(std::span(nodes).first(nodes.size() - 1));
  const reference::Answer whole = interpreter.answer(nodes.back());
  reference::Answer part;
  for (const auto& [small, full] : sample.results) {
    part.values.push_back(whole.values[small]);
    part.errors.push_back(whole.errors[small]);
  }
  return part;
}

// What is wrong with the result; empty: nothing.
std::string difference(Executor& executor, const BenchProblem& problem, DType type) {
  std::vector<std::byte> bytes(problem.output().elements() * size_bytes(type));
  executor.read(kResult, bytes);
  const BenchSample sample = bench_sample(problem);
  const reference::Answer answer = expected(problem, sample, type);
  std::vector<double> actual;
  const std::size_t size = size_bytes(type);
  for (const auto& [small, full] : sample.results) {
    actual.push_back(reference::from_bytes(std::span(bytes).subspan(full * size, size), type)[0]);
  }
  const reference::Difference worst = reference::worst_difference(actual, answer, type);
  if (worst.within()) return {};
  return fmt::format("wrong: element {} is {:.9g}, expected {:.9g}, allowed {:.2e}",
                     sample.results[worst.element].second, worst.actual, worst.expected,
                     worst.allowed);
}

// Milliseconds of each launch of a submission.
void add_launches(Stage& stage, std::vector<double>& launches) {
  const std::vector<double> ms = stage.dispatch_ms();
  std::map<std::string, double> sums;
  const Plan& plan = stage.plan();
  for (std::size_t i = 0; i < ms.size(); ++i) {
    const std::string& path = plan.nodes[plan.dispatches[i].node].path;
    if (path.starts_with("launch")) sums[path] += ms[i];
  }
  for (const auto& [path, sum] : sums) launches.push_back(sum);
}

// One more submission. Adds the times of its launches, and where it is asked for what
// the host's units gave before and after it.
void time_submission(Executor& executor, Stage& stage, bool probe_host, BenchTimes& times) {
  const double before = probe_host ? host_gflops_now() : 0;
  executor.wait(stage.submit());
  add_launches(stage, times.ms);
  if (!probe_host) return;
  const double after = host_gflops_now();
  if (before > 0) times.host_gflops.resize(times.ms.size(), (before + after) / 2);
}

void time(Executor& executor, Stage& stage, const BenchOptions& options, bool probe_host,
          BenchTimes& times) {
  std::vector<double>& launches = times.ms;
  executor.wait(stage.submit());  // after the check the device may have gone to sleep
  if (options.hopeless_ms > 0) {
    add_launches(stage, launches);
    if (median(launches) > options.hopeless_ms) return;
    launches.clear();
  }
  double total = 0;
  const auto enough = [&] {
    if (options.repeat > 0) return launches.size() >= options.repeat;
    return launches.size() >= kMost || (launches.size() >= kFewest && total >= options.enough_ms);
  };
  while (!enough()) {
    const std::size_t before = launches.size();
    time_submission(executor, stage, probe_host, times);
    for (std::size_t i = before; i < launches.size(); ++i) total += launches[i];
  }
  if (options.repeat == 0) return;
  launches.resize(options.repeat);
  if (!times.host_gflops.empty()) times.host_gflops.resize(options.repeat);
}

}  // namespace

double BenchTimes::median_ms() const { return ms.empty() ? 0 : median(ms); }

double BenchTimes::spread() const {
  if (ms.empty()) return 0;
  const auto [least, most] = std::minmax_element(ms.begin(), ms.end());
  return *most > 0 ? (*most - *least) / median_ms() : 0;
}

double BenchTimes::host_flops() const {
  std::vector<double> flops;
  for (std::size_t i = 0; i < host_gflops.size(); ++i)
    flops.push_back(ms[i] * host_gflops[i] * 1e6);
  return flops.empty() ? 0 : median(flops);
}

std::vector<std::string> bench_kernels(const DeviceProfile& profile, const BenchProblem& problem,
                                       const BenchOptions& options) {
  try {
    return kernels_of(plan_of(profile, problem, options, 1));
  } catch (const Error&) {
    return {};
  }
}

BenchTimes run_bench(OpenDevice& device, const DeviceProfile& profile, const BenchProblem& problem,
                     const BenchOptions& options) {
  BenchTimes times;
  try {
    // A graphics card left alone between two launches goes to sleep; a CPU takes long enough.
    const std::uint32_t launches = profile.kind == DeviceKind::cpu ? 1 : 5;
    Plan plan = plan_of(profile, problem, options, launches);
    times.kernels = kernels_of(plan);
    if (!options.kernel.empty() && std::find(times.kernels.begin(), times.kernels.end(),
                                             options.kernel) == times.kernels.end()) {
      times.problem = fmt::format("{} does not serve it", options.kernel);
      return times;
    }
    times.dispatches = std::size_t(std::count_if(
        plan.dispatches.begin(), plan.dispatches.end(),
        [&](const Dispatch& one) { return plan.nodes[one.node].path == launch_path(0); }));
    // Weights live as long as their executor.
    Executor executor(device.device(), nullptr, options.replace);
    const auto stage = executor.prepare(std::move(plan), {.timing = Timing::dispatches});
    write_inputs(executor, problem, options.element);
    executor.wait(stage->submit());
    times.problem = difference(executor, problem, options.element);
    times.wrong = !times.problem.empty();
    const bool probe_host = options.probe_host && profile.kind == DeviceKind::cpu;
    if (!times.wrong) time(executor, *stage, options, probe_host, times);
  } catch (const Error& error) {
    times.problem = error.what();
    times.ms.clear();
    times.host_gflops.clear();
  }
  return times;
}

}  // namespace kiln::app
