// Tile sizes of products and norms; rows are tried from the top, the first whose condition holds is
// taken.
#include "runtime/ops/tuning.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "runtime/base/align.h"
#include "runtime/ops/device_class.h"

namespace kiln {
namespace {

// Parts that the terms of a sum are divided into.
constexpr std::uint32_t kPartCounts[] = {2, 3, 4, 6, 8};
// Terms of a part: fewer are not worth writing and adding its sums, or not worth a try.
constexpr std::uint64_t kLeastPart = 1024, kLeastPartTried = 256;

// For products whose tiles of rows x columns are so few that they leave the device idle: one of
// many cores, which integrated ones have not. Counted for a pair of images, and for it alone: an
// image has the same bytes in every batch.
std::uint32_t parts_of(const DeviceProfile& device, const ProductSizes& of, std::uint32_t rows,
                       std::uint32_t columns) {
  if (of.image_rows == 0 || device.kind == DeviceKind::integrated) return 1;
  const std::uint64_t groups =
      divide_up(2ull * of.image_rows, rows) * divide_up(of.outputs, columns);
  std::uint32_t most = 1;
  for (const std::uint32_t parts : kPartCounts) {
    if (parts * groups <= kEnoughGroups && parts * kLeastPart <= of.depth) most = parts;
  }
  return most;
}

template <typename Tile>
std::uint64_t groups_of(const Tile& tile, std::uint32_t rows, std::uint32_t outputs) {
  return divide_up(rows, tile.rows()) * divide_up(outputs, tile.columns()) * tile.parts;
}

// make(parts): the table's tile for as many.
template <typename Tile, typename Make>
void try_parts(std::vector<Tile>& tiles, const ProductSizes& of, const Make& make) {
  if (of.image_rows == 0) return;
  for (const std::uint32_t parts : kPartCounts) {
    const Tile tile = make(parts);
    const bool idle = groups_of(tile, of.rows, of.outputs) < kEnoughGroups * parts;
    if (idle && parts * kLeastPartTried <= of.depth) add_tile(tiles, tile);
  }
}

std::string with_parts(std::string name, std::uint32_t parts) {
  return parts == 1 ? name : fmt::format("{}/{}", name, parts);
}

}  // namespace

MatmulTile matmul_tile(const DeviceProfile& device, std::uint32_t rows, std::uint32_t outputs) {
  // A CPU runs a subgroup as one vector: one subgroup a workgroup keeps x's values uniform.
  if (device.kind == DeviceKind::cpu) {
    const std::uint32_t lanes = std::clamp(device.subgroup_size, 4u, 16u);
    if (outputs <= kThinOutputs) return {.lanes = 1, .group_rows = lanes, .rows = 4};
    if (rows >= 16) return {.lanes = lanes, .group_rows = 1, .rows = 16};
    return {.lanes = lanes, .group_rows = 1, .rows = rows >= 4 ? 4u : 1u};
  }
  if (rows >= 32) {
    return {.lanes = 16, .group_rows = 4, .rows = has_many_registers(device) ? 8u : 4u};
  }
  return {.lanes = 16, .group_rows = 4, .rows = 2};
}

std::string MatmulTile::name() const { return fmt::format("{}x{}x{}", lanes, group_rows, rows); }

std::vector<MatmulTile> matmul_tiles(const DeviceProfile& device, std::uint32_t rows,
                                     std::uint32_t outputs) {
  std::vector<MatmulTile> tiles = {matmul_tile(device, rows, outputs)};
  const auto try_also = [&](const MatmulTile& tile) {
    const bool wasteful = tile.group_rows * tile.rows >= 2 * std::max(rows, 2u);
    if (!wasteful && allows_workgroup(device, tile.lanes, tile.group_rows)) add_tile(tiles, tile);
  };
  if (device.kind == DeviceKind::cpu) {
    const auto with_rows = [&](std::uint32_t more) {
      return MatmulTile{tiles[0].lanes, tiles[0].group_rows, more};
    };
    for (const std::uint32_t more : {16u, 8u, 4u, 1u}) try_also(with_rows(more));
    return tiles;
  }
  for (const MatmulTile& more : {MatmulTile{16, 4, 8},
                                 {16, 4, 4},
                                 {16, 4, 2},
                                 {16, 4, 1},
                                 {8, 8, 8},
                                 {32, 2, 4},
                                 {32, 1, 2}}) {
    try_also(more);
  }
  return tiles;
}

TiledMatmul tiled_matmul(const DeviceProfile& device, std::uint32_t rows, std::uint32_t outputs,
                         std::uint32_t parts) {
  TiledMatmul tile{.row_quads = has_many_registers(device) ? 2u : 1u, .parts = parts};
  const auto enough = [&] { return groups_of(tile, rows, outputs) >= kEnoughGroups; };
  if (!enough() && !has_short_subgroups(device)) tile.group_rows = 8;
  if (!enough()) tile.row_quads = 1;
  return tile;
}

std::uint32_t TiledMatmul::shared_bytes() const {
  constexpr std::uint32_t kWords = 16, kQuadBytes = 16;
  return kWords * (rows() / 4 + 1 + columns() / 4) * kQuadBytes;
}

std::string TiledMatmul::name() const {
  return with_parts(fmt::format("{}x{}x{}", lanes, group_rows, row_quads), parts);
}

std::vector<TiledMatmul> tiled_matmul_tiles(const DeviceProfile& device, const ProductSizes& of) {
  const auto divided = [&](std::uint32_t parts) {
    return tiled_matmul(device, of.rows, of.outputs, parts);
  };
  std::vector<TiledMatmul> tiles = {divided(parts_of(device, of, 64, 64))};
  add_tile(tiles, divided(1));
  for (const TiledMatmul& tile : {TiledMatmul{8, 16, 2},
                                  {8, 16, 1},
                                  {8, 8, 2},
                                  {8, 8, 1},
                                  {8, 32, 1},
                                  {16, 8, 2},
                                  {16, 8, 1},
                                  {16, 16, 1}}) {
    if (tile.rows() < 2 * of.rows && allows_workgroup(device, tile.lanes, tile.group_rows) &&
        tile.shared_bytes() <= device.max_shared_bytes)
      add_tile(tiles, tile);
  }
  try_parts(tiles, of, divided);
  return tiles;
}

std::string MatrixTile::name() const {
  return with_parts(fmt::format("{}x{}x{}x{}x{}", subgroup, subgroups_m, subgroups_n,
                                matrices_m * matrix.m, matrices_n * matrix.n),
                    parts);
}

std::uint32_t MatrixTile::shared_bytes() const {
  constexpr std::uint32_t kSpanBytes = 5 * 16;  // of 32 inputs, and what parts the banks
  return (rows() + columns()) * kSpanBytes + subgroups_m * subgroups_n * matrix.m * matrix.n * 4;
}

std::optional<MatrixTile> matrix_tile(const DeviceProfile& device, std::uint32_t rows,
                                      std::uint32_t outputs, std::uint32_t parts) {
  MatrixTile tile{
      .matrix = largest_matrix(device), .subgroup = least_subgroup(device), .parts = parts};
  if (tile.matrix.m == 0) return {};
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
    // Rows that are not there are multiplied too.
    if (groups_of(tile, rows, outputs) >= kEnoughGroups && tile.rows() < 2 * rows) break;
  }
  return best;
}

std::vector<MatrixTile> matrix_tiles(const DeviceProfile& device, const ProductSizes& of) {
  const std::optional<MatrixTile> first = matrix_tile(device, of.rows, of.outputs);
  if (!first) return {};
  const auto divided = [&](std::uint32_t parts) {
    return *matrix_tile(device, of.rows, of.outputs, parts);
  };
  std::vector<MatrixTile> tiles = {divided(parts_of(device, of, 64, 128))};
  add_tile(tiles, *first);
  const auto try_also = [&](std::uint32_t m, std::uint32_t n, std::uint32_t times_rows) {
    MatrixTile tile = *first;
    tile.subgroups_m = m;
    tile.subgroups_n = n;
    tile.matrices_m = first->matrices_m * times_rows;
    const std::uint32_t workgroup = tile.workgroup();
    // Each invocation loads as many eighths of a step as the others.
    const bool whole = tile.rows() * 4 % workgroup == 0 && tile.columns() * 4 % workgroup == 0;
    if (whole && allows_workgroup(device, workgroup, 1) &&
        tile.rows() < 2 * std::max(of.rows, 32u) && tile.shared_bytes() <= device.max_shared_bytes)
      add_tile(tiles, tile);
  };
  for (const auto& [m, n] :
       {std::pair{4u, 2u}, {2u, 2u}, {2u, 1u}, {1u, 1u}, {4u, 1u}, {1u, 2u}, {2u, 4u}}) {
    try_also(m, n, 1);
  }
  // More sums an invocation: fewer loads for each.
  for (const auto& [m, n] : {std::pair{2u, 2u}, {2u, 1u}, {1u, 2u}, {1u, 1u}}) try_also(m, n, 2);
  try_parts(tiles, of, divided);
  return tiles;
}

std::vector<std::uint32_t> matmul_broadcast_tiles(const DeviceProfile& device, std::uint32_t rows) {
  // More rows share a load of weights; wide vectors have more registers to keep their sums in.
  const bool wide = rows >= 32 && device.subgroup_size >= 16;
  std::vector<std::uint32_t> tiles = {wide ? 32u : rows >= 16 ? 16u : rows >= 4 ? 4u : 1u};
  for (const std::uint32_t more : {32u, 16u, 8u, 4u}) {
    if (more < 2 * rows) add_tile(tiles, more);
  }
  return tiles;
}

std::uint32_t matmul_broadcast_wide(const DeviceProfile& device, DType element,
                                    std::uint32_t outputs) {
  constexpr std::uint32_t kMost = 4;
  std::uint32_t wide = element == DType::f16 ? 2 : 1;  // a word
  while (wide < kMost && wide * device.subgroup_size < outputs) wide *= 2;
  return wide;
}

std::uint32_t norm_workgroup(const DeviceProfile& device, std::uint64_t units) {
  // A software device switches contexts at every barrier: few, long lanes are faster there.
  if (device.kind == DeviceKind::cpu) return 16;
  return units <= 64 ? 32 : units <= 512 ? 128 : 256;
}

}  // namespace kiln
