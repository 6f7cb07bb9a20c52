// Which kernel and tile serve a problem fastest: each is checked against double, then timed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "apps/kiln/bench_run.h"
#include "runtime/graph/plan.h"

namespace kiln::app {

struct TuneProblem {
  std::string name;  // as in TunedKernels
  BenchProblem problem;
  DType element = DType::f32;
  std::uint32_t count = 0;            // in the plans
  std::vector<KernelChoice> choices;  // two or more; first what serves it untuned
};

// What the plans ask for, each problem once, that of the most work first. Left out: problems with
// no choice.
std::vector<TuneProblem> tune_problems(const std::vector<Plan>& plans, const DeviceProfile& device);

struct TuneResult {
  KernelChoice usual, best;  // what serves it untuned; the fastest, the same unless clearly faster
  double usual_ms = 0;       // 0: it gives a wrong result here, or cannot run
  double best_ms = 0;        // 0: nothing serves it
  std::vector<std::string> failures;  // what could not be used and why, one line each

  bool is_usual() const { return best == usual; }
  // 1 where the usual one cannot be used.
  double times_as_fast() const { return usual_ms > 0 && best_ms > 0 ? usual_ms / best_ms : 1; }
};

// The fastest counts only if it takes at most this share of the usual one's time, whenever both
// are measured in turn.
inline constexpr double kWorthwhile = 0.97;

TuneResult tune(OpenDevice& device, const TuneProblem& problem);

// "matmul_tiled 8x16x2": without the topic.
std::string short_text(const KernelChoice& choice);

}  // namespace kiln::app
