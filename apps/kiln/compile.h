// What the parts of `kiln compile` share: options, and what became of each pipeline.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "runtime/execution/pipeline_metrics.h"

namespace kiln::app {

struct CompileOptions {
  std::string device;
  std::vector<std::string> models;   // besides Stable Diffusion 1.5
  std::vector<std::string> kernels;  // only these, by full name; empty: all
  std::vector<std::string> modules;  // SPIR-V files in place of the engine's kernels
  std::string disassembly;           // folder for the compiler's texts; empty: none
  double timeout_s = 20;             // for one pipeline
};

// One pipeline, made or not.
struct CompiledPipeline {
  std::string kernel, element, constants, user;
  std::string problem;  // what the compiler did; empty: it made the pipeline
  double compile_ms = 0.0;
  PipelineMetrics metrics;
  nlohmann::json executables;  // every statistic in the driver's words
  bool bad() const { return !problem.empty() || metrics.spills(); }
  std::string name() const { return kernel + " " + element + " [" + constants + "]"; }
};

struct CompileReport {
  std::string device, driver;
  bool has_statistics = false;
  struct LeftOut {
    std::string kernel, element, reason;
    bool asked_for = false;  // a module the user named: leaving it out is a failure
  };
  std::vector<LeftOut> left_out;
  std::vector<std::string> not_planned;
  std::vector<CompiledPipeline> pipelines;
  std::vector<std::string> problems;  // of the driver, of no pipeline
  double elapsed_s = 0.0;
  bool failed() const;
};

// In a process of its own: makes the pipelines from number `first` on and prints a line of JSON
// before and after each.
void compile_as_child(const CompileOptions& options, std::size_t first);

// Starts such a process, again after each pipeline that crashes it or takes longer than allowed.
// Throws Error with the child's words if it cannot even list the pipelines.
CompileReport compile_all(const CompileOptions& options);

void print_table(const CompileReport& report);
nlohmann::json as_json(const CompileReport& report);
// One line a pipeline: the columns of tests/lab/pipelines.csv without the device's name.
void write_csv(const CompileReport& report, const std::string& file);

}  // namespace kiln::app
