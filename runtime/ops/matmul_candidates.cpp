// The list of matmul kernels and how each is launched.
#include "runtime/ops/matmul_candidates.h"

#include <algorithm>

#include "kernels/matmul.h"
#include "kernels/matmul_broadcast.h"
#include "kernels/winograd.h"
#include "runtime/base/align.h"
#include "runtime/ops/tuning.h"
#include "runtime/ops/winograd.h"

namespace kiln {
namespace {

bool always(const DeviceProfile&, DType, const MatmulProblem&) { return true; }

// Calls launch(first_row, groups) for bands of rows, each in workgroups of `group` rows, so that no
// dispatch outlasts a watchdog or exceeds the grid.
template <typename Launch>
void for_each_band(const DeviceProfile& device, const MatmulProblem& problem, std::uint32_t group,
                   const Launch& launch) {
  const std::uint64_t band_rows =
      std::max<std::uint64_t>(device.max_dispatch_flops / problem.flops_a_row(), group);
  const std::uint64_t most_groups =
      std::min<std::uint64_t>(std::max<std::uint64_t>(band_rows / group, 1), device.max_grid[1]);
  for (std::uint32_t first = problem.first_row; first < problem.rows;) {
    const auto groups =
        std::uint32_t(std::min(divide_up(problem.rows - first, group), most_groups));
    launch(first, groups);
    first += groups * group;
  }
}

std::uint64_t flops_of_band(const MatmulProblem& problem, std::uint32_t first, std::uint32_t rows) {
  return std::min(problem.rows - first, rows) * problem.flops_a_row();
}

// The same for all matmul kernels.
template <typename Kernel>
typename Kernel::Args args_of(const MatmulProblem& problem, std::uint32_t first_row) {
  return {.rows = problem.rows,
          .first_row = first_row,
          .inputs = problem.inputs,
          .outputs = problem.outputs,
          .in_height = problem.in_height,
          .in_width = problem.in_width,
          .out_height = problem.out_height,
          .out_width = problem.out_width,
          .addend_rows = problem.addend_rows};
}

struct Operands {
  Operand x, weight, bias, addend, y;
};

Operands operands_of(Lowering& to, const MatmulProblem& problem, std::uint32_t columns) {
  const Operand x = to.input(0);
  const Operand weight = to.packed(1, {.layout = Packing::Layout::panels, .columns = columns});
  return {x, weight, problem.has_bias ? to.input(2) : x,  // a stand-in is never read
          problem.addend_input != 0 ? to.input(problem.addend_input) : x, to.output()};
}

void lower_plain(Lowering& to, const MatmulProblem& problem) {
  const MatmulTile tile = matmul_tile(to.device(), problem.rows, problem.outputs);
  const Operands of = operands_of(to, problem, tile.lanes * 4);
  const std::uint32_t group = tile.group_rows * tile.rows;
  const auto panels = std::uint32_t(divide_up(problem.outputs, tile.lanes * 4));
  for_each_band(to.device(), problem, group, [&](std::uint32_t first, std::uint32_t groups) {
    to.dispatch<kernels::matmul>(
        {of.x, of.weight, of.bias, of.addend, of.y}, args_of<kernels::matmul>(problem, first),
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
        Grid{panels, groups, 1}, flops_of_band(problem, first, groups * group));
  });
}

// Whether a subgroup is one vector of a CPU and x's and y's rows are whole loads of it.
bool fits_broadcast(const DeviceProfile& device, DType element, const MatmulProblem& problem) {
  const std::uint32_t width = element == DType::f16 ? 2 : 1;  // values a word
  return is_vector_cpu(device) && problem.inputs % (device.subgroup_size * width) == 0 &&
         problem.outputs % width == 0;
}

void lower_broadcast(Lowering& to, const MatmulProblem& problem) {
  using Kernel = kernels::matmul_broadcast;
  const std::uint32_t lanes = to.device().subgroup_size;
  const std::uint32_t rows = matmul_broadcast_rows(to.device(), problem.rows);
  const Operands of = operands_of(to, problem, lanes * 4);
  const auto panels = std::uint32_t(divide_up(problem.outputs, lanes * 4));
  for_each_band(to.device(), problem, rows, [&](std::uint32_t first, std::uint32_t groups) {
    to.dispatch<Kernel>({of.x, of.weight, of.bias, of.addend, of.y},
                        args_of<Kernel>(problem, first),
                        {.lanes = lanes,
                         .rows = rows,
                         .kernel = problem.kernel,
                         .stride = problem.stride,
                         .padding = problem.padding,
                         .has_bias = problem.has_bias,
                         .has_addend = problem.addend_input != 0,
                         .activation = problem.activation},
                        Grid{panels, groups, 1}, flops_of_band(problem, first, groups * rows));
  });
}

constexpr MatmulCandidate kCandidates[] = {
    {kernels::winograd::info, fits_winograd, lower_winograd},
    {kernels::matmul_broadcast::info, fits_broadcast, lower_broadcast},
    {kernels::matmul::info, always, lower_plain},
};

// Those that obey first_row and take a picture of any number of lines.
constexpr MatmulCandidate kBandCandidates[] = {
    {kernels::matmul_broadcast::info, fits_broadcast, lower_broadcast},
    {kernels::matmul::info, always, lower_plain},
};

}  // namespace

std::span<const MatmulCandidate> matmul_candidates() { return kCandidates; }

void lower_matmul(Lowering& to, const MatmulProblem& problem) {
  // Taps are a loop around that over the inputs.
  to.require_turns(std::uint64_t(problem.kernel) * problem.kernel *
                   (1 + divide_up(problem.inputs, problem.inputs % 4 == 0 ? 4 : 1)));
  const auto candidates =
      problem.is_band ? std::span<const MatmulCandidate>(kBandCandidates) : matmul_candidates();
  lower_through(candidates, to, problem, "matmul");
}

}  // namespace kiln
