// A compiler's statistics in one vocabulary, whatever the driver calls them.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "runtime/vulkan/pipeline_statistics.h"

namespace kiln {

// What a driver does not tell is not there. Never to be compared across drivers.
struct PipelineMetrics {
  std::optional<double> registers;     // of one invocation (vector registers where there are two)
  std::optional<double> spilled;       // registers or instructions spilled, the driver's count
  std::optional<double> scratch;       // bytes of memory for spills and arrays; may be by wave
  std::optional<double> shared;        // bytes
  std::optional<double> occupancy;     // in the driver's unit:
  std::string occupancy_unit;          // its name for it, such as "Max Waves Per Core"
  std::optional<double> instructions;  // static count
  std::optional<double> code_bytes;
  std::optional<double> cycles;  // modelled, of one wave or invocation: lower is better
  std::string cycles_unit;       // the driver's name for it, such as "Inverse Throughput"

  bool spills() const { return spilled.value_or(0) > 0 || scratch.value_or(0) > 0; }
};

// Of all executables the widest counts; spills and scratch are the most of any.
PipelineMetrics pipeline_metrics(std::span<const PipelineExecutable> executables);

}  // namespace kiln
