// One problem on a device: checked against double on a sample, then timed in the device's clock.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "apps/kiln/bench_problem.h"
#include "runtime/execution/kernel_replacement.h"
#include "runtime/execution/open_device.h"

namespace kiln::app {

struct BenchOptions {
  DType element = DType::f32;
  std::uint32_t repeat = 0;  // launches timed; 0: as many as enough_ms hold, 3 to 100
  double enough_ms = 500;
  // Where a launch takes longer than this, to warm up, it is not repeated; 0: however long it
  // takes.
  double hopeless_ms = 0;
  std::string kernel = {};  // full name of the one to take; empty: the engine's own choice
  std::string tile = {};    // of that kernel; empty: that of the tuning table
  bool cold = false;        // caches are filled with something else before each launch
  // On a CPU what the host's units give is measured before and after each launch, too.
  bool probe_host = false;
  KernelReplacement replace = {};
};

struct BenchTimes {
  std::vector<double> ms;            // of each launch; none: see problem
  std::vector<double> host_gflops;   // what the host's units gave around it; empty: not asked for
  std::vector<std::string> kernels;  // full names, each once, in order of dispatch
  std::size_t dispatches = 0;        // of one launch
  std::string problem;  // why it was not timed: no kernel serves it, no room, a wrong result
  bool wrong = false;   // the result differs from the reference

  double median_ms() const;
  // Longest less shortest in parts of the median.
  double spread() const;
  // Operations that the host's units would have done in the time of a launch, by what they gave
  // around it: the median. 0: not measured.
  double host_flops() const;
};

// profile: that of the device, with kernels to avoid. Never throws for a problem that the device
// cannot serve or does wrong; see BenchTimes::problem.
BenchTimes run_bench(OpenDevice& device, const DeviceProfile& profile, const BenchProblem& problem,
                     const BenchOptions& options);

// The kernels that the engine would launch; empty when none serves the problem.
std::vector<std::string> bench_kernels(const DeviceProfile& profile, const BenchProblem& problem,
                                       const BenchOptions& options);

}  // namespace kiln::app
