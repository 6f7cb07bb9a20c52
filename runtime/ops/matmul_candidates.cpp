// The list of matmul kernels and how each is launched.
#include "runtime/ops/matmul_candidates.h"

#include <algorithm>

#include "kernels/matmul.h"
#include "runtime/base/align.h"
#include "runtime/base/error.h"
#include "runtime/ops/tuning.h"

namespace kiln {
namespace {

bool always(const DeviceProfile&, const MatmulProblem&) { return true; }

// Launches bands of rows, so that no dispatch outlasts a watchdog or exceeds the grid.
void lower_plain(Lowering& to, const MatmulProblem& problem) {
  const MatmulTile tile = matmul_tile(to.device(), problem.rows, problem.outputs);
  const Packing packing{.layout = Packing::Layout::panels, .columns = tile.lanes * 4};
  const Operand x = to.input(0), weight = to.packed(1, packing);
  const Operand bias = problem.has_bias ? to.input(2) : x;  // a stand-in is never read
  const Operand addend = problem.addend_input != 0 ? to.input(problem.addend_input) : x;
  const std::uint32_t group = tile.group_rows * tile.rows;
  const auto panels = std::uint32_t(divide_up(problem.outputs, tile.lanes * 4));

  const std::uint64_t band_rows =
      std::max<std::uint64_t>(to.device().max_dispatch_flops / problem.flops_a_row(), group);
  const std::uint64_t most_groups = std::min<std::uint64_t>(
      std::max<std::uint64_t>(band_rows / group, 1), to.device().max_grid[1]);
  for (std::uint32_t first = 0; first < problem.rows;) {
    const auto groups =
        std::uint32_t(std::min(divide_up(problem.rows - first, group), most_groups));
    const std::uint32_t rows = std::min(problem.rows - first, groups * group);
    to.dispatch<kernels::matmul>({x, weight, bias, addend, to.output()},
                                 {.rows = problem.rows,
                                  .first_row = first,
                                  .inputs = problem.inputs,
                                  .outputs = problem.outputs,
                                  .in_height = problem.in_height,
                                  .in_width = problem.in_width,
                                  .out_height = problem.out_height,
                                  .out_width = problem.out_width,
                                  .addend_rows = problem.addend_rows},
                                 {.lanes = tile.lanes,
                                  .group_rows = tile.group_rows,
                                  .rows = tile.rows,
                                  .kernel = problem.kernel,
                                  .stride = problem.stride,
                                  .padding = problem.padding,
                                  .vector = problem.inputs % 4 == 0,
                                  .has_bias = problem.has_bias,
                                  .has_addend = problem.addend_input != 0,
                                  .activation = problem.activation},
                                 Grid{panels, groups, 1}, rows * problem.flops_a_row());
    first += groups * group;
  }
}

constexpr MatmulCandidate kCandidates[] = {
    {kernels::matmul::info, always, lower_plain},
};

}  // namespace

std::span<const MatmulCandidate> matmul_candidates() { return kCandidates; }

void lower_matmul(Lowering& to, const MatmulProblem& problem) {
  // Taps are a loop around that over the inputs.
  to.require_turns(std::uint64_t(problem.kernel) * problem.kernel *
                   (1 + divide_up(problem.inputs, problem.inputs % 4 == 0 ? 4 : 1)));
  const MatmulCandidate* chosen = nullptr;
  for (const MatmulCandidate& candidate : kCandidates) {
    const KernelInfo& kernel = candidate.kernel(to.element());
    if (!to.device().may_use(kernel) || !candidate.fits(to.device(), problem)) continue;
    if (chosen == nullptr || kernel.name == to.wanted_kernel()) chosen = &candidate;
  }
  if (chosen == nullptr) {
    fail(to.path(), "no matmul kernel fits {}{}", to.device().name,
         to.device().avoided_kernels.empty() ? "" : " among those not to be avoided");
  }
  chosen->lower(to, problem);
}

}  // namespace kiln
