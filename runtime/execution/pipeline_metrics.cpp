// Drivers' words for the same things: one table, tried from the left.
#include "runtime/execution/pipeline_metrics.h"

#include <strings.h>

#include <algorithm>
#include <initializer_list>
#include <string_view>

namespace kiln {
namespace {

using Names = std::initializer_list<const char*>;

// Mesa 26.1: radv, NVK, turnip, Honeykrisp, ANV, panvk, V3DV, powervr.
constexpr Names kRegisters = {"VGPRs",          "Number of GPRs",     "GPRs",
                              "Registers used", "Max live registers", "Temps"};
constexpr Names kSpilledSum = {"Spilled SGPRs", "Spilled VGPRs", "Spills to memory",
                               "STP Count",     "Spill count",   "TMU Spills",
                               "Spills"};
constexpr Names kScratch = {"Scratch size", "SLM size", "Scratch Memory Size", "Spill Size",
                            "Scratch"};
constexpr Names kShared = {"LDS size", "Workgroup Memory Size", "Shared memory size"};
constexpr Names kOccupancy = {"Subgroups per SIMD", "Max warps/SM", "Max Waves Per Core", "Threads",
                              "Max dispatch width", "Thread Count"};
constexpr Names kInstructions = {"Instructions", "Instruction count"};
constexpr Names kCodeBytes = {"Code size"};
constexpr Names kCycles = {"Inverse Throughput", "Static cycle count", "Cycle Count"};

bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

const PipelineStatistic* find(const PipelineExecutable& in, Names names) {
  for (const char* name : names) {
    for (const PipelineStatistic& one : in.statistics) {
      if (same(one.name, name)) return &one;
    }
  }
  return nullptr;
}

std::optional<double> value(const PipelineExecutable& in, Names names) {
  const PipelineStatistic* found = find(in, names);
  if (found == nullptr) return std::nullopt;
  return found->value;
}

std::optional<double> sum(const PipelineExecutable& in, Names names) {
  std::optional<double> total;
  for (const char* name : names) {
    const std::optional<double> one = value(in, {name});
    if (one) total = total.value_or(0) + *one;
  }
  return total;
}

std::optional<double> most(const std::optional<double>& a, const std::optional<double>& b) {
  return a && b ? std::max(*a, *b) : a ? a : b;
}

}  // namespace

PipelineMetrics pipeline_metrics(std::span<const PipelineExecutable> executables) {
  PipelineMetrics metrics;
  if (executables.empty()) return metrics;
  const PipelineExecutable& widest = *std::max_element(
      executables.begin(), executables.end(),
      [](const auto& a, const auto& b) { return a.subgroup_size < b.subgroup_size; });
  metrics.registers = value(widest, kRegisters);
  metrics.shared = value(widest, kShared);
  metrics.instructions = value(widest, kInstructions);
  metrics.code_bytes = value(widest, kCodeBytes);
  if (const PipelineStatistic* found = find(widest, kOccupancy)) {
    metrics.occupancy = found->value;
    metrics.occupancy_unit = found->name;
  }
  if (const PipelineStatistic* found = find(widest, kCycles)) {
    metrics.cycles = found->value;
    metrics.cycles_unit = found->name;
  }
  for (const PipelineExecutable& one : executables) {
    metrics.spilled = most(metrics.spilled, sum(one, kSpilledSum));
    metrics.scratch = most(metrics.scratch, value(one, kScratch));
  }
  return metrics;
}

}  // namespace kiln
