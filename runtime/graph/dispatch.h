// One launch of a kernel: operands as ranges of memory, arguments, constants, grid in workgroups.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "runtime/graph/kernel_info.h"
#include "runtime/graph/tensor.h"

namespace kiln {

// Workgroups along x, y, z. Never invocations.
struct Grid {
  std::uint32_t x = 1, y = 1, z = 1;
};

// Before memory is planned: which value, weight or scratch block an operand is.
// After: a range of bytes in a space.
struct Operand {
  enum class Kind : std::uint8_t { value, weight, scratch };
  Kind kind = Kind::value;
  std::uint32_t index = 0;          // ValueId, index into Plan::weights, or scratch number
  std::uint64_t touched_bytes = 0;  // where a launch needs only a part; 0: all. For profiles
  // The bytes of it that are bound; 0: all. The offset is a multiple of the binding alignment.
  std::uint64_t offset_bytes = 0, size_bytes = 0;
};

// An operand of which the launch touches only some bytes, such as one row of a table.
inline Operand touching(Operand operand, std::uint64_t bytes) {
  operand.touched_bytes = bytes;
  return operand;
}

// Where bytes live once planned.
enum class Space : std::uint8_t {
  arena,       // transient values of every stage share it
  persistent,  // index: into Plan::persistents
  weight,      // index: into Plan::weights
};

struct Range {
  Space space = Space::arena;
  std::uint32_t index = 0;         // which persistent tensor or weight; 0 for the arena
  std::uint64_t offset_bytes = 0;  // inside that buffer
  std::uint64_t size_bytes = 0;
  bool operator==(const Range&) const = default;
};

// A copy of a streamed weight into the arena, each time the stage runs.
struct Upload {
  std::uint32_t before = 0;  // the dispatch in front of which it is recorded
  std::uint32_t weight = 0;  // index into Plan::weights
  bool awaited = false;      // that dispatch waits for it; else it may run beside it
  Range to;                  // in the arena
};

struct Dispatch {
  const KernelInfo* kernel = nullptr;
  std::vector<Operand> operands;         // one per binding
  std::vector<Range> ranges;             // filled by the memory plan, one per operand
  std::vector<std::byte> arguments;      // push constants
  std::vector<std::uint32_t> constants;  // values for kernel->constant_ids, in that order
  Grid grid;
  std::uint32_t node = 0;       // index into Plan::nodes
  std::uint64_t flops = 0;      // counted from shapes; a multiply-add is two
  bool barrier_before = false;  // filled by the barrier plan
  bool after_copies = false;    // that barrier waits for copies, too; so filled
};

}  // namespace kiln
