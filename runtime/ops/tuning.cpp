// Tile sizes; rows are tried from the top, the first whose condition holds is taken.
#include "runtime/ops/tuning.h"

#include <algorithm>
#include <utility>

#include "runtime/base/align.h"

namespace kiln {
namespace {

// Many lanes a subgroup on a card of its own: 128 registers an invocation and more. Others have
// half of them or fewer before their compilers spill or run fewer subgroups.
bool has_many_registers(const DeviceProfile& device) {
  return device.kind == DeviceKind::discrete && device.min_subgroup_size >= 32;
}

// Workgroups that keep a device of 64 cores busy.
constexpr std::uint64_t kEnoughGroups = 128;

}  // namespace

MatmulTile matmul_tile(const DeviceProfile& device, std::uint32_t rows, std::uint32_t) {
  // A CPU runs a subgroup as one vector: one subgroup a workgroup keeps x's values uniform.
  if (device.kind == DeviceKind::cpu) {
    const std::uint32_t lanes = std::clamp(device.subgroup_size, 4u, 16u);
    if (rows >= 16) return {.lanes = lanes, .group_rows = 1, .rows = 16};
    return {.lanes = lanes, .group_rows = 1, .rows = rows >= 4 ? 4u : 1u};
  }
  if (rows >= 32) {
    return {.lanes = 16, .group_rows = 4, .rows = has_many_registers(device) ? 8u : 4u};
  }
  return {.lanes = 16, .group_rows = 4, .rows = 2};
}

bool is_vector_cpu(const DeviceProfile& device) {
  const std::uint32_t lanes = device.subgroup_size;
  return device.kind == DeviceKind::cpu && lanes >= 4 && lanes <= 16 &&
         device.min_subgroup_size == lanes && device.max_subgroup_size == lanes;
}

TiledMatmul tiled_matmul(const DeviceProfile& device, std::uint32_t rows, std::uint32_t outputs) {
  TiledMatmul tile{.row_quads = has_many_registers(device) ? 2u : 1u};
  const auto enough = [&] {
    return divide_up(rows, tile.rows()) * divide_up(outputs, tile.columns()) >= kEnoughGroups;
  };
  if (!enough()) tile.group_rows = 8;
  if (!enough()) tile.row_quads = 1;
  return tile;
}

std::uint32_t MatrixTile::shared_bytes() const {
  constexpr std::uint32_t kSpanBytes = 5 * 16;  // of 32 inputs, and what parts the banks
  return (rows() + columns()) * kSpanBytes + subgroups_m * subgroups_n * matrix.m * matrix.n * 4;
}

std::optional<MatrixTile> matrix_tile(const DeviceProfile& device, std::uint32_t rows,
                                      std::uint32_t outputs) {
  MatrixTile tile;
  for (const MatrixShape& shape : device.matrix_shapes) {
    if (shape.input != DType::f16 || shape.accumulator != DType::f32 || 32 % shape.k != 0) continue;
    const auto size = [](const MatrixShape& of) { return of.m * of.n * of.k; };
    if (size(shape) > size(tile.matrix)) tile.matrix = shape;
  }
  if (tile.matrix.m == 0) return {};
  // The least subgroups have the most registers for their sums: 64 an invocation.
  tile.subgroup = device.subgroup_size_control ? device.min_subgroup_size : device.subgroup_size;
  const std::uint32_t part_rows = 32, part_columns = 2 * tile.subgroup;
  if (part_rows % tile.matrix.m != 0 || part_columns % tile.matrix.n != 0) return {};
  tile.matrices_m = part_rows / tile.matrix.m;
  tile.matrices_n = part_columns / tile.matrix.n;
  // The largest tile that still makes enough workgroups.
  std::optional<MatrixTile> best;
  for (const auto& [m, n] : {std::pair{4u, 2u}, {2u, 2u}, {2u, 1u}, {1u, 1u}}) {
    tile.subgroups_m = m;
    tile.subgroups_n = n;
    if (tile.shared_bytes() > device.max_shared_bytes ||
        tile.workgroup() > device.max_workgroup_invocations)
      continue;
    best = tile;
    if (divide_up(rows, tile.rows()) * divide_up(outputs, tile.columns()) >= kEnoughGroups) break;
  }
  return best;
}

std::uint32_t matmul_broadcast_rows(const DeviceProfile& device, std::uint32_t rows) {
  // More rows share a load of weights; wide vectors have more registers to keep their sums in.
  if (rows >= 32 && device.subgroup_size >= 16) return 32;
  if (rows >= 16) return 16;
  return rows >= 4 ? 4 : 1;
}

std::uint32_t attention_broadcast_queries(std::uint32_t queries, std::uint32_t head) {
  // Two share a broadcast; what both hold is to fit a first-level cache.
  return queries >= 2 && head <= 80 ? 2 : 1;
}

std::uint32_t norm_workgroup(const DeviceProfile& device, std::uint64_t units) {
  // A software device switches contexts at every barrier: few, long lanes are faster there.
  if (device.kind == DeviceKind::cpu) return 16;
  return units <= 64 ? 32 : units <= 512 ? 128 : 256;
}

std::uint32_t AttentionTile::shared_bytes(std::uint32_t element_bytes) const {
  const std::uint32_t tile = (queries() + lanes * keys) * (chunk + 1) * 4 * element_bytes;
  return tile + queries() * (lanes * keys + 4 + lanes) * 4;
}

AttentionTile attention_tile(const DeviceProfile& device, std::uint32_t queries, std::uint32_t head,
                             std::uint32_t element_bytes) {
  // Few queries are spread over more workgroups.
  const bool large = has_many_registers(device) && queries > 256;
  const std::uint32_t invocations = large ? 128 : 64, most_sums = large ? 20 : 8;
  const std::uint32_t most_shared = std::min(device.max_shared_bytes, large ? 24576u : 16384u);
  const auto quads = std::uint32_t(divide_up(head, 4));
  AttentionTile tile{.rows = large ? 4u : 2u, .chunk = quads};
  while (tile.lanes < 32 && divide_up(quads, tile.lanes) * tile.rows > most_sums) tile.lanes *= 2;
  tile.group_rows = invocations / tile.lanes;
  if (tile.shared_bytes(element_bytes) <= most_shared) return tile;
  tile.chunk = std::min(quads, 8u);
  while (tile.chunk > 1 && tile.shared_bytes(element_bytes) > most_shared) tile.chunk /= 2;
  return tile;
}

std::uint32_t attention_workgroup(const DeviceProfile& device) {
  return device.kind == DeviceKind::cpu ? std::clamp(device.subgroup_size, 4u, 16u) : 64;
}

}  // namespace kiln
