// Problems from plans; every choice measured, the fastest measured again beside the usual one.
#include "apps/kiln/tune_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "apps/kiln/bench_shapes.h"

namespace kiln::app {
namespace {

constexpr double kEnoughMs = 100;   // of launches of one choice
constexpr double kHopeless = 3;     // times as slow as the best so far: other tiles are not tried
constexpr int kRounds = 3;          // in which the best must be so
constexpr double kNotRepeated = 2;  // times as slow: one launch says enough

// "conv 2x64x64x320->320 F16", of plans of this element type.
BenchProblem problem_of(const std::string& name, DType element) {
  const std::size_t first = name.find(' ');
  const std::size_t end = name.size() - to_text(element).size() - 1;
  return problem_from_name(name.substr(0, first), name.substr(first + 1, end - first - 1));
}

class Tuner {
 public:
  Tuner(OpenDevice& device, const TuneProblem& problem) : device_(device), problem_(problem) {
    options_.element = problem.element;
    options_.enough_ms = kEnoughMs;
  }

  TuneResult run() {
    const KernelChoice usual = problem_.choices.front();
    result_.usual = result_.best = usual;
    result_.usual_ms = result_.best_ms = measure(usual);
    std::string hopeless, begun = usual.kernel;
    for (std::size_t i = 1; i < problem_.choices.size(); ++i) {
      const KernelChoice& choice = problem_.choices[i];
      if (choice.kernel == hopeless) continue;
      const double ms = measure(choice);
      const bool first_tile = choice.kernel != begun;
      begun = choice.kernel;
      if (first_tile && result_.best_ms > 0 && ms > kHopeless * result_.best_ms) {
        hopeless = choice.kernel;
      }
      if (ms == 0 || (result_.best_ms > 0 && ms >= result_.best_ms)) continue;
      result_.best = choice;
      result_.best_ms = ms;
    }
    if (!result_.is_usual() && result_.usual_ms > 0) confirm();
    return result_;
  }

 private:
  // Of the launches the shortest, which others on the machine disturbed least; 0 where the choice
  // cannot be used.
  double measure(const KernelChoice& choice) {
    options_.kernel = choice.kernel;
    options_.tile = choice.tile;
    options_.hopeless_ms = result_.best_ms * kNotRepeated;
    const BenchTimes times = run_bench(device_, device_.profile(), problem_.problem, options_);
    if (times.problem.empty()) return *std::min_element(times.ms.begin(), times.ms.end());
    result_.failures.push_back(
        fmt::format("{}, {}: {}", problem_.name, short_text(choice), times.problem));
    return 0;
  }

  // The least of many measurements is partly luck: again, in turn.
  void confirm() {
    for (int round = 0; round < kRounds; ++round) {
      if (result_.best_ms == 0 || result_.best_ms > kWorthwhile * result_.usual_ms) {
        result_.best = result_.usual;
        result_.best_ms = result_.usual_ms;
        return;
      }
      if (round + 1 == kRounds) return;
      result_.usual_ms = measure(result_.usual);
      result_.best_ms = measure(result_.best);
    }
  }

  OpenDevice& device_;
  const TuneProblem& problem_;
  BenchOptions options_;
  TuneResult result_;
};

}  // namespace

std::vector<TuneProblem> tune_problems(const std::vector<Plan>& plans,
                                       const DeviceProfile& device) {
  std::map<std::string, TuneProblem> found;
  for (const Plan& plan : plans) {
    for (const PlannedProblem& problem : plan.problems) {
      TuneProblem& one = found[problem.name];
      if (one.count++ > 0) continue;
      one.name = problem.name;
      one.problem = problem_of(problem.name, plan.element);
      one.element = plan.element;
      one.choices = problem.choices(device);
    }
  }
  std::vector<TuneProblem> problems;
  for (auto& [name, problem] : found) {
    if (problem.choices.size() > 1) problems.push_back(std::move(problem));
  }
  std::stable_sort(problems.begin(), problems.end(), [](const auto& a, const auto& b) {
    return a.count * a.problem.flops() > b.count * b.problem.flops();
  });
  return problems;
}

TuneResult tune(OpenDevice& device, const TuneProblem& problem) {
  return Tuner(device, problem).run();
}

std::string short_text(const KernelChoice& choice) {
  const std::string name = choice.kernel.substr(choice.kernel.rfind('/') + 1);
  return choice.tile.empty() ? name : name + ' ' + choice.tile;
}

}  // namespace kiln::app
