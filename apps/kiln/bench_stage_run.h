// Stages of a pipeline run several times: undisturbed, and once more with every dispatch timed.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "models/pipeline/kiln.h"

namespace kiln::app {

// One way to run a model, compared with others in the same run.
struct BenchVariant {
  std::string name;  // "" for the model as asked for, else what differs
  ModelOptions options;
};

struct StageBench {
  std::uint32_t width = 512, height = 512;  // pixels
  std::uint32_t repeat = 3;                 // runs of each stage that count
  // Called before each piece of work; may throw to stop.
  std::function<void()> tell = {};
};

// A stage of one variant.
struct StageTimes {
  std::string variant, stage;      // "denoise": one guided step, both prompts as one batch
  std::vector<double> ms;          // of each run, from its first command to its last
  std::vector<double> kernels_ms;  // of each run with its dispatches timed: their sum
  std::vector<double> timed_ms;    // of the same runs, from first command to last
  double passes_ms = 0;  // median part of that sum outside products and attention: norms, ...
  std::size_t dispatches = 0;
  std::uint64_t flops = 0;  // counted for products and attention

  double median_ms() const;
  // Longest less shortest in parts of the median.
  double spread() const;
  double gflops_a_second() const;
  // The part of a run with its dispatches timed in which none ran. Taking the times is in it, so an
  // undisturbed run has less.
  double gaps() const;
  // The part of the undisturbed time that the kernels' sum leaves: below 0 where kernels overlap,
  // and where the machine was busier when dispatches were timed.
  double undisturbed_gaps() const;
  double passes() const;  // passes_ms in parts of the kernels' sum
};

struct StageBenchResult {
  PipelineInfo info;              // of the first variant
  std::vector<StageTimes> times;  // by stage in the order of a picture, then by variant
};

// Runs text encoder, guided steps, decoder and encoder in turn for all variants, so that none has
// a quieter machine; first undisturbed, all variants' weights in memory at once, then each with its
// dispatches timed. The first run of each stage does not count.
StageBenchResult bench_stages(const std::vector<BenchVariant>& variants, const StageBench& bench);

}  // namespace kiln::app
