// The list of matmul kernels and how each is launched.
#include "runtime/ops/matmul_candidates.h"

#include <algorithm>

#include "kernels/matmul.h"
#include "kernels/matmul_broadcast.h"
#ifdef KILN_MATRIX_KERNELS  // else this build's compiler of shaders did not know such matrices
#include "kernels/matmul_matrix.h"
#endif
#include "kernels/matmul_tiled.h"
#include "kernels/matmul_tiled_dot.h"
#include "kernels/sum_parts.h"
#include "kernels/winograd.h"
#include "runtime/base/align.h"
#include "runtime/ops/device_class.h"
#include "runtime/ops/tuning.h"
#include "runtime/ops/winograd.h"

namespace kiln {
namespace {

// Of workgroups along rows; of sums of parts that are kept at once.
constexpr std::uint64_t kAnyGroups = ~0ull, kMostPartBytes = 32ull << 20;

bool always(const DeviceProfile&, DType, const MatmulProblem&) { return true; }

// Calls launch(first_row, groups) for bands of rows, each in at most `most` workgroups of `group`
// rows, so that no dispatch outlasts a watchdog or exceeds the grid.
template <typename Launch>
void for_each_band(const DeviceProfile& device, const MatmulProblem& problem, std::uint32_t group,
                   std::uint64_t most, const Launch& launch) {
  const std::uint64_t band_rows =
      std::max<std::uint64_t>(device.max_dispatch_flops / problem.flops_a_row(), group);
  const std::uint64_t most_groups = std::min<std::uint64_t>(
      {std::max<std::uint64_t>(band_rows / group, 1), device.max_grid[1], most});
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

Operands operands_of(Lowering& to, const MatmulProblem& problem, std::uint32_t columns,
                     std::uint32_t depth = 1) {
  const Operand x = to.input(0);
  const Operand weight =
      to.packed(1, {.layout = Packing::Layout::panels, .columns = columns, .depth = depth});
  return {x, weight, problem.has_bias ? to.input(2) : x,  // a stand-in is never read
          problem.addend_input != 0 ? to.input(problem.addend_input) : x, to.output()};
}

template <typename Constants>
Constants specialized(Constants constants, const MatmulProblem& problem) {
  constants.kernel = problem.kernel;
  constants.stride = problem.stride;
  constants.padding = problem.padding;
  constants.upscale = problem.upscale;
  constants.has_bias = problem.has_bias;
  constants.has_addend = problem.addend_input != 0;
  constants.activation = problem.activation;
  return constants;
}

// Launches kernel K for all rows, `group` of them and `columns` outputs a workgroup. constants:
// what only K has.
template <typename K>
void launch(Lowering& to, const MatmulProblem& problem, const Operands& of,
            const typename K::Constants& constants, std::uint32_t group, std::uint32_t columns) {
  const auto across = std::uint32_t(divide_up(problem.outputs, columns));
  const auto dispatch = [&](std::uint32_t first, std::uint32_t groups) {
    to.dispatch<K>({of.x, of.weight, of.bias, of.addend, of.y}, args_of<K>(problem, first),
                   specialized(constants, problem), Grid{across, groups, 1},
                   flops_of_band(problem, first, groups * group));
  };
  for_each_band(to.device(), problem, group, kAnyGroups, dispatch);
}

// What tiles in shared memory are chosen by. Only whole quads of sums are written in parts.
ProductSizes sizes_of(const DeviceProfile& device, DType element, const MatmulProblem& problem) {
  const bool divisible =
      problem.outputs % 4 == 0 && device.may_use(kernels::sum_parts::info(element));
  return {.rows = problem.rows,
          .outputs = problem.outputs,
          .depth = std::uint64_t(problem.kernel) * problem.kernel * problem.inputs,
          .image_rows = divisible ? problem.out_height * problem.out_width : 0};
}

// y's rows from `first` on, `count` of them, from the sums of `parts`, each of which has room for
// `part_rows`.
void add_parts(Lowering& to, const MatmulProblem& problem, const Operands& of, const Operand& sums,
               std::uint32_t parts, std::uint32_t part_rows, std::uint32_t first,
               std::uint32_t count) {
  constexpr std::uint32_t kWorkgroup = 64;
  const std::uint32_t row_quads = problem.outputs / 4;
  to.dispatch<kernels::sum_parts>({sums, of.bias, of.addend, of.y},
                                  {.quads = count * row_quads,
                                   .first_row = first,
                                   .row_quads = row_quads,
                                   .parts = parts,
                                   .part_quads = part_rows * row_quads,
                                   .addend_rows = problem.addend_rows},
                                  {.workgroup = kWorkgroup,
                                   .has_bias = problem.has_bias,
                                   .has_addend = problem.addend_input != 0,
                                   .activation = problem.activation},
                                  to.folded(divide_up(count * row_quads, kWorkgroup)));
}

// launch() by a tile that may divide the terms of the sums: then their parts lie in memory until
// another kernel adds them.
template <typename K, typename Tile>
void launch_tile(Lowering& to, const MatmulProblem& problem, const Operands& of,
                 typename K::Constants constants, const Tile& tile) {
  const std::uint32_t group = tile.rows();
  if (tile.parts == 1) return launch<K>(to, problem, of, constants, group, tile.columns());
  MatmulProblem product = problem;
  product.has_bias = false;
  product.addend_input = 0;
  product.activation = 0;
  constants.divided = true;
  const auto across = std::uint32_t(divide_up(problem.outputs, tile.columns()));
  const std::uint64_t group_bytes = 4ull * tile.parts * group * problem.outputs;
  const std::uint64_t room = std::min(kMostPartBytes, to.device().max_binding_bytes);
  const std::uint64_t most =
      std::clamp<std::uint64_t>(room / group_bytes, 1, divide_up(problem.rows, group));
  const Operand sums = to.scratch(most * group_bytes);
  const auto dispatch = [&](std::uint32_t first, std::uint32_t groups) {
    const std::uint32_t rows = groups * group;
    to.dispatch<K>({of.x, of.weight, of.x, of.x, sums}, args_of<K>(product, first),
                   specialized(constants, product), Grid{across, groups, tile.parts},
                   flops_of_band(problem, first, rows));
    add_parts(to, problem, of, sums, tile.parts, rows, first, std::min(rows, problem.rows - first));
  };
  for_each_band(to.device(), problem, group, most, dispatch);
}

void lower_plain(Lowering& to, const MatmulProblem& problem) {
  const MatmulTile tile =
      tile_named(matmul_tiles(to.device(), problem.rows, problem.outputs), to.tile());
  const std::uint32_t columns = tile.lanes * 4;
  launch<kernels::matmul>(to, problem, operands_of(to, problem, columns),
                          {.lanes = tile.lanes,
                           .group_rows = tile.group_rows,
                           .rows = tile.rows,
                           .vector = problem.inputs % 4 == 0},
                          tile.group_rows * tile.rows, columns);
}

std::vector<std::string> plain_tiles(const DeviceProfile& device, DType,
                                     const MatmulProblem& problem) {
  return names_of(matmul_tiles(device, problem.rows, problem.outputs));
}

// Whether a subgroup is one vector of a CPU and x's and y's rows are whole words.
bool fits_broadcast(const DeviceProfile& device, DType element, const MatmulProblem& problem) {
  constexpr std::uint32_t kInputsMultiple = 8;  // of packed.glsl a STEP, or two
  return is_vector_cpu(device) && problem.outputs > kThinOutputs &&
         problem.inputs % kInputsMultiple == 0 &&
         (element != DType::f16 || problem.outputs % 2 == 0);
}

void lower_broadcast(Lowering& to, const MatmulProblem& problem) {
  const std::uint32_t lanes = to.device().subgroup_size;
  const std::uint32_t wide = matmul_broadcast_wide(to.device(), to.element(), problem.outputs);
  const std::uint32_t columns = lanes * wide;
  const std::uint32_t rows =
      tile_named(matmul_broadcast_tiles(to.device(), problem.rows), to.tile());
  launch<kernels::matmul_broadcast>(to, problem, operands_of(to, problem, columns),
                                    {.lanes = lanes, .rows = rows, .wide = wide}, rows, columns);
}

std::vector<std::string> broadcast_tiles(const DeviceProfile& device, DType,
                                         const MatmulProblem& problem) {
  return names_of(matmul_broadcast_tiles(device, problem.rows));
}

#ifdef KILN_MATRIX_KERNELS
// A few rows do not fill the unit's matrices.
bool fits_matrix(const DeviceProfile& device, DType element, const MatmulProblem& problem) {
  return element == DType::f16 && problem.rows >= 16 && problem.inputs % 32 == 0 &&
         matrix_tile(device, problem.rows, problem.outputs).has_value();
}

void lower_matrix(Lowering& to, const MatmulProblem& problem) {
  const MatrixTile tile = tile_named(
      matrix_tiles(to.device(), sizes_of(to.device(), to.element(), problem)), to.tile());
  launch_tile<kernels::matmul_matrix>(to, problem, operands_of(to, problem, 64, 32),
                                      {.subgroup = tile.subgroup,
                                       .workgroup = tile.workgroup(),
                                       .subgroups_m = tile.subgroups_m,
                                       .subgroups_n = tile.subgroups_n,
                                       .matrices_m = tile.matrices_m,
                                       .matrices_n = tile.matrices_n,
                                       .matrix_m = tile.matrix.m,
                                       .matrix_n = tile.matrix.n,
                                       .matrix_k = tile.matrix.k,
                                       .vector = problem.outputs % 4 == 0},
                                      tile);
}

std::vector<std::string> matrix_names(const DeviceProfile& device, DType element,
                                      const MatmulProblem& problem) {
  return names_of(matrix_tiles(device, sizes_of(device, element, problem)));
}
#endif

// Whole words of shared memory, and rows enough to share them.
bool fits_tiled(const DeviceProfile&, DType element, const MatmulProblem& problem) {
  return problem.rows >= 16 && problem.inputs % (element == DType::f16 ? 32 : 16) == 0;
}

template <typename Kernel>
void lower_tiled(Lowering& to, const MatmulProblem& problem) {
  const TiledMatmul tile = tile_named(
      tiled_matmul_tiles(to.device(), sizes_of(to.device(), to.element(), problem)), to.tile());
  const std::uint32_t depth = to.element() == DType::f16 ? 2 : 1;
  launch_tile<Kernel>(to, problem, operands_of(to, problem, tile.columns(), depth),
                      {.lanes = tile.lanes,
                       .group_rows = tile.group_rows,
                       .row_quads = tile.row_quads,
                       .vector = problem.outputs % 4 == 0},
                      tile);
}

std::vector<std::string> tiled_names(const DeviceProfile& device, DType element,
                                     const MatmulProblem& problem) {
  return names_of(tiled_matmul_tiles(device, sizes_of(device, element, problem)));
}

// 16-bit pairs alone: such a word in 32 bits would be one number.
bool fits_tiled_dot(const DeviceProfile& device, DType element, const MatmulProblem& problem) {
  return element == DType::f16 && fits_tiled(device, element, problem);
}

// CPUs pay for barriers. GPUs with little shared memory are those of phones, where a tile in it
// gains nothing over one in registers.
bool shares_badly(const DeviceProfile& device, DType, const MatmulProblem&) {
  return device.kind == DeviceKind::cpu || device.max_shared_bytes <= 32768;
}

constexpr MatmulCandidate kCandidates[] = {
    {kernels::winograd::info, fits_winograd, lower_winograd},
    {kernels::matmul_broadcast::info, fits_broadcast, lower_broadcast, broadcast_tiles},
#ifdef KILN_MATRIX_KERNELS
    {kernels::matmul_matrix::info, fits_matrix, lower_matrix, matrix_names},
#endif
    {kernels::matmul::info, shares_badly, lower_plain, plain_tiles},
    {kernels::matmul_tiled_dot::info, fits_tiled_dot, lower_tiled<kernels::matmul_tiled_dot>,
     tiled_names},
    {kernels::matmul_tiled::info, fits_tiled, lower_tiled<kernels::matmul_tiled>, tiled_names},
    {kernels::matmul::info, always, lower_plain, plain_tiles},
};

// Those that obey first_row and take a picture of any number of lines.
constexpr MatmulCandidate kBandCandidates[] = {
    {kernels::matmul_broadcast::info, fits_broadcast, lower_broadcast},
    {kernels::matmul::info, always, lower_plain},
};

}  // namespace

std::string problem_name(const MatmulProblem& problem, DType element) {
  if (problem.is_band) return {};
  if (problem.kernel == 1 && problem.stride == 1) {
    return fmt::format("matmul {}x{}x{} {}", problem.rows, problem.outputs, problem.inputs,
                       to_text(element));
  }
  const std::uint32_t images = problem.rows / (problem.out_height * problem.out_width);
  const bool right_bottom = problem.kernel > 1 && problem.padding == 0;
  return fmt::format("conv {}x{}x{}x{}->{}{}{}{}{} {}", images, problem.in_height, problem.in_width,
                     problem.inputs, problem.outputs, problem.kernel == 1 ? " k1" : "",
                     problem.stride == 2 ? " s2" : "", problem.upscale == 2 ? " up2" : "",
                     right_bottom ? " right_bottom" : "", to_text(element));
}

std::span<const MatmulCandidate> matmul_candidates() { return kCandidates; }

void lower_matmul(Lowering& to, const MatmulProblem& problem) {
  // Taps are a loop around that over the inputs.
  to.require_turns(std::uint64_t(problem.kernel) * problem.kernel *
                   (1 + divide_up(problem.inputs, problem.inputs % 4 == 0 ? 4 : 1)));
  const auto candidates =
      problem.is_band ? std::span<const MatmulCandidate>(kBandCandidates) : matmul_candidates();
  lower_through(candidates, to, problem, "matmul", problem_name(problem, to.element()));
}

}  // namespace kiln
