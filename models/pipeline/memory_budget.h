// The choice of measures that make the stages of a picture fit a budget of memory. Pure functions.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "models/pipeline/stages.h"
#include "runtime/graph/memory_needs.h"

namespace kiln {

// The plans of all stages that live together, with these measures.
using PlanStages = std::function<std::vector<Plan>(const Measures& measures)>;

struct FittedMemory {
  Measures measures;
  MemoryNeeds needs;
};

// The first measures, in the order of models/README.md, with which the stages need at most
// budget_bytes of the device's memory; 0: no limit, so none. A measure that saves nothing is left
// out. Throws Error with the least that would do, what takes it, and the budget. alignment: of
// memory_needs().
FittedMemory fit_memory(const PlanStages& plan, std::uint64_t budget_bytes,
                        std::uint64_t alignment);

// One phrase each, such as "guidance as two passes".
std::vector<std::string> to_text(const FittedMemory& fitted);

// "1.720 GB", "12.3 MB": powers of ten, as graphics cards and --max-memory count.
std::string gigabytes(std::uint64_t bytes);

// "3GB", "1.5 GiB", "300MB", "512 MiB": bytes. Throws Error (usage) naming `option` for anything
// else.
std::uint64_t parse_memory(const std::string& option, const std::string& text);

}  // namespace kiln
