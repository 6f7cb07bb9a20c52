// The list of attention kernels and how each is launched.
#include "runtime/ops/attention_candidates.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "kernels/attention.h"
#include "kernels/attention_broadcast.h"
#ifdef KILN_MATRIX_KERNELS  // else this build's compiler of shaders did not know such matrices
#include "kernels/attention_matrix.h"
#endif
#include "kernels/attention_tiled.h"
#include "runtime/base/align.h"
#include "runtime/ops/attention_tuning.h"
#include "runtime/ops/device_class.h"

namespace kiln {
namespace {

bool is_stacked(const AttentionProblem& problem) {
  return problem.operands == AttentionProblem::Operands::stacked;
}

// Of the launch from query `first` on. Kernels without the last four read three tensors only.
template <typename Args>
Args arguments_of(const AttentionProblem& problem, std::uint32_t first) {
  Args arguments{};
  arguments.queries = problem.queries;
  arguments.keys = problem.keys;
  arguments.heads = problem.heads;
  arguments.first_query = first;
  arguments.causal = problem.causal;
  arguments.scale = 1.0f / std::sqrt(float(problem.head));
  if constexpr (requires { arguments.q_heads; }) {
    const bool stacked = is_stacked(problem);
    arguments.q_heads = arguments.kv_heads = problem.heads * (stacked ? 3 : 1);
    arguments.k_head = stacked ? problem.heads : 0;
    arguments.v_head = stacked ? 2 * problem.heads : 0;
  }
  return arguments;
}

// Launches kernel K in bands of queries, each in workgroups of `group` queries, so that no dispatch
// outlasts a watchdog or exceeds the grid.
template <typename K>
void launch(Lowering& to, const AttentionProblem& problem, const typename K::Constants& constants,
            std::uint32_t group) {
  const DeviceProfile& device = to.device();
  const std::size_t k = is_stacked(problem) ? 0 : 1, v = is_stacked(problem) ? 0 : 2;
  const std::uint64_t most =
      std::max<std::uint64_t>(device.max_dispatch_flops / (problem.flops_a_query() * group), 1);
  for (std::uint32_t first = 0; first < problem.queries;) {
    const auto groups = std::uint32_t(std::min(
        {divide_up(problem.queries - first, group), most, std::uint64_t(device.max_grid[0])}));
    const std::uint32_t queries = std::min(problem.queries - first, groups * group);
    to.dispatch<K>({to.input(0), to.input(k), to.input(v), to.output()},
                   arguments_of<typename K::Args>(problem, first), constants,
                   Grid{groups, problem.heads, problem.images}, queries * problem.flops_a_query());
    first += groups * group;
  }
}

// Turns of the kernel's loops over `keys` keys: those of four keys, and their pieces of a head.
std::uint64_t turns_of_one_query(const AttentionProblem& problem) {
  const std::uint64_t quads = divide_up(problem.head, 4), pieces = divide_up(quads, 8);
  return divide_up(problem.keys, 4) * (pieces > 1 ? 1 + 2 * pieces : 1) + 2 * quads;
}

// One invocation per query.
void lower_one_query(Lowering& to, const AttentionProblem& problem) {
  const std::uint32_t width = attention_workgroup(to.device());
  to.require_turns(turns_of_one_query(problem));
  launch<kernels::attention>(
      to, problem, {.workgroup = width, .head = problem.head, .vector = problem.head % 4 == 0},
      width);
}

// A head whose loops are unrolled in reasonable time, and which is whole words. Rows that hold more
// than this kernel reads make it 1.3 to 1.5 times as slow: see prefers_stacked_projections().
constexpr std::uint32_t kMostUnrolled = 160;

bool fits_broadcast(const DeviceProfile& device, DType element, const AttentionProblem& problem) {
  return is_vector_cpu(device) && !is_stacked(problem) && problem.head <= kMostUnrolled &&
         problem.head % (element == DType::f16 ? 2 : 1) == 0;
}

std::vector<std::uint32_t> broadcast_tiles(const DeviceProfile& device,
                                           const AttentionProblem& problem) {
  return attention_broadcast_tiles(problem.queries / device.subgroup_size, problem.head);
}

std::vector<std::string> broadcast_names(const DeviceProfile& device, DType,
                                         const AttentionProblem& problem) {
  return names_of(broadcast_tiles(device, problem));
}

void lower_broadcast(Lowering& to, const AttentionProblem& problem) {
  const std::uint32_t lanes = to.device().subgroup_size;
  const std::uint32_t queries = tile_named(broadcast_tiles(to.device(), problem), to.tile());
  to.require_turns(divide_up(problem.keys, 4));
  launch<kernels::attention_broadcast>(
      to, problem, {.lanes = lanes, .queries = queries, .head = problem.head}, lanes * queries);
}

AttentionTile tile_of(const DeviceProfile& device, DType element, const AttentionProblem& problem) {
  return attention_tile(device, problem.queries, problem.head, size_bytes(element));
}

// Only what a head larger than any in use would need can exceed the least a device offers.
bool fits_tiles(const DeviceProfile& device, DType element, const AttentionProblem& problem) {
  return tile_of(device, element, problem).shared_bytes(size_bytes(element)) <=
         device.max_shared_bytes;
}

// Turns of the kernel's loops: over tiles of keys, chunks of a head, and what a tile is made of.
std::uint64_t turns_of_tiles(const AttentionProblem& problem, const AttentionTile& tile) {
  const std::uint64_t keys = tile.lanes * tile.keys, quads = divide_up(problem.head, 4);
  const std::uint64_t loads =
      divide_up((tile.queries() + keys) * tile.chunk, tile.lanes * tile.group_rows) + 2;
  const std::uint64_t a_tile = divide_up(quads, tile.chunk) * (1 + loads) + quads + keys / 4;
  return divide_up(problem.keys, keys) * (1 + a_tile) + tile.rows * tile.lanes;
}

std::vector<AttentionTile> tiles_of(const DeviceProfile& device, DType element,
                                    const AttentionProblem& problem) {
  std::vector<AttentionTile> tiles =
      attention_tiles(device, problem.queries, problem.head, size_bytes(element));
  const auto has_too_many_turns = [&](const AttentionTile& tile) {
    return turns_of_tiles(problem, tile) > device.max_loop_turns;
  };
  tiles.erase(std::remove_if(tiles.begin() + 1, tiles.end(), has_too_many_turns), tiles.end());
  return tiles;
}

std::vector<std::string> tile_names(const DeviceProfile& device, DType element,
                                    const AttentionProblem& problem) {
  return names_of(tiles_of(device, element, problem));
}

void lower_tiles(Lowering& to, const AttentionProblem& problem) {
  const AttentionTile tile = tile_named(tiles_of(to.device(), to.element(), problem), to.tile());
  to.require_turns(turns_of_tiles(problem, tile));
  launch<kernels::attention_tiled>(to, problem,
                                   {.lanes = tile.lanes,
                                    .group_rows = tile.group_rows,
                                    .rows = tile.rows,
                                    .keys = tile.keys,
                                    .head = problem.head,
                                    .chunk = tile.chunk,
                                    .vector = problem.head % 4 == 0},
                                   tile.queries());
}

#ifdef KILN_MATRIX_KERNELS
std::optional<AttentionMatrixTile> matrix_tile_of(const DeviceProfile& device,
                                                  const AttentionProblem& problem) {
  return attention_matrix_tile(device, problem.queries, problem.head,
                               problem.heads * problem.images);
}

// Whole words of 16 bytes, and queries enough to fill the unit's matrices.
bool fits_matrix(const DeviceProfile& device, DType element, const AttentionProblem& problem) {
  return element == DType::f16 && problem.head % 8 == 0 && problem.queries >= 16 &&
         matrix_tile_of(device, problem).has_value();
}

void lower_matrix(Lowering& to, const AttentionProblem& problem) {
  const AttentionMatrixTile tile = *matrix_tile_of(to.device(), problem);
  // All loops but that over the keys are unrolled, or short.
  to.require_turns(divide_up(problem.keys, tile.keys) + 64);
  launch<kernels::attention_matrix>(to, problem,
                                    {.subgroup = tile.subgroup,
                                     .workgroup = tile.workgroup(),
                                     .subgroups_m = tile.subgroups_m,
                                     .subgroups_n = tile.subgroups_n,
                                     .matrices_m = tile.matrices_m,
                                     .keys = tile.keys,
                                     .matrix_m = tile.matrix.m,
                                     .matrix_n = tile.matrix.n,
                                     .matrix_k = tile.matrix.k,
                                     .head = problem.head,
                                     .chunk = tile.chunk,
                                     .ahead = tile.ahead},
                                    tile.queries());
}
#endif

// GPUs spill where an invocation holds a whole head.
bool runs_on_cpu(const DeviceProfile& device, DType, const AttentionProblem&) {
  return device.kind == DeviceKind::cpu;
}

constexpr AttentionCandidate kCandidates[] = {
    {kernels::attention_broadcast::info, fits_broadcast, lower_broadcast, broadcast_names},
    {kernels::attention::info, runs_on_cpu, lower_one_query},
#ifdef KILN_MATRIX_KERNELS
    {kernels::attention_matrix::info, fits_matrix, lower_matrix},
#endif
    {kernels::attention_tiled::info, fits_tiles, lower_tiles, tile_names},
};

}  // namespace

std::string problem_name(const AttentionProblem& problem, DType element) {
  return fmt::format("attention {}x{}x{}x{}x{}{} {}", problem.images, problem.heads,
                     problem.queries, problem.keys, problem.head, problem.causal ? " causal" : "",
                     to_text(element));
}

std::span<const AttentionCandidate> attention_candidates() { return kCandidates; }

void lower_attention(Lowering& to, const AttentionProblem& problem) {
  lower_through(attention_candidates(), to, problem, "attention",
                problem_name(problem, to.element()));
}

}  // namespace kiln
