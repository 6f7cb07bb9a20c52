// Tile sizes; rows are tried from the top, the first whose condition holds is taken.
#include "runtime/ops/tuning.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <limits>
#include <numeric>
#include <utility>

#include "runtime/base/align.h"

namespace kiln {
namespace {

// Many lanes a subgroup on a card of its own: 128 registers an invocation and more. Others have
// half of them or fewer before their compilers spill or run fewer subgroups.
bool has_many_registers(const DeviceProfile& device) {
  return device.kind == DeviceKind::discrete && device.min_subgroup_size >= 32;
}

// Short subgroups of a size that the compiler chooses: 128 registers an invocation at the most,
// which fewer invocations that each load more exceed.
bool has_short_subgroups(const DeviceProfile& device) {
  return device.min_subgroup_size < device.max_subgroup_size && device.min_subgroup_size < 32;
}

// Workgroups that keep a device of 64 cores busy.
constexpr std::uint64_t kEnoughGroups = 128;

// The most that a unit multiplies at once of 16-bit numbers into float32; m is 0 where there is
// none.
MatrixShape largest_matrix(const DeviceProfile& device) {
  MatrixShape largest;
  for (const MatrixShape& shape : device.matrix_shapes) {
    if (shape.input != DType::f16 || shape.accumulator != DType::f32 || 32 % shape.k != 0) continue;
    const auto size = [](const MatrixShape& of) { return of.m * of.n * of.k; };
    if (size(shape) > size(largest)) largest = shape;
  }
  return largest;
}

// The least subgroups have the most registers for sums of matrices: 64 an invocation.
std::uint32_t least_subgroup(const DeviceProfile& device) {
  return device.subgroup_size_control ? device.min_subgroup_size : device.subgroup_size;
}

// Adds what is none of the tiles yet.
template <typename Tile>
void add_tile(std::vector<Tile>& tiles, const Tile& tile) {
  if (std::find(tiles.begin(), tiles.end(), tile) == tiles.end()) tiles.push_back(tile);
}

bool allows_workgroup(const DeviceProfile& device, std::uint32_t x, std::uint32_t y) {
  return x * y <= device.max_workgroup_invocations && x <= device.max_workgroup_size[0] &&
         y <= device.max_workgroup_size[1];
}

// Down to what fits, of a tile that holds the quads of a head.
void shorten_chunk(AttentionTile& tile, std::uint32_t element_bytes, std::uint32_t most_shared) {
  if (tile.shared_bytes(element_bytes) <= most_shared) return;
  tile.chunk = std::min(tile.chunk, 8u);
  while (tile.chunk > 1 && tile.shared_bytes(element_bytes) > most_shared) tile.chunk /= 2;
}

// What an attention tile may take.
struct AttentionRoom {
  std::uint32_t invocations = 64, rows = 2;
  std::uint32_t most_sums = 8;  // quads an invocation
  std::uint32_t most_shared = 16384;
  std::uint32_t most_lanes = 32;
  std::uint32_t most_chunk = std::numeric_limits<std::uint32_t>::max();  // quads of a head
};

AttentionTile attention_tile_in(const AttentionRoom& room, std::uint32_t head,
                                std::uint32_t element_bytes) {
  const auto quads = std::uint32_t(divide_up(head, 4));
  AttentionTile tile{.rows = room.rows, .chunk = std::min(quads, room.most_chunk)};
  const auto too_many = [&] { return divide_up(quads, tile.lanes) * tile.rows > room.most_sums; };
  while (tile.lanes < room.most_lanes && too_many()) tile.lanes *= 2;
  if (too_many()) tile.rows = 1;
  tile.group_rows = room.invocations / tile.lanes;
  shorten_chunk(tile, element_bytes, room.most_shared);
  return tile;
}

constexpr AttentionRoom kSmallRoom, kLargeRoom = {128, 4, 20, 24576};

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
  if (!enough() && !has_short_subgroups(device)) tile.group_rows = 8;
  if (!enough()) tile.row_quads = 1;
  return tile;
}

std::uint32_t TiledMatmul::shared_bytes() const {
  constexpr std::uint32_t kWords = 16, kQuadBytes = 16;
  return kWords * (rows() / 4 + 1 + columns() / 4) * kQuadBytes;
}

std::string TiledMatmul::name() const {
  return fmt::format("{}x{}x{}", lanes, group_rows, row_quads);
}

std::vector<TiledMatmul> tiled_matmul_tiles(const DeviceProfile& device, std::uint32_t rows,
                                            std::uint32_t outputs) {
  std::vector<TiledMatmul> tiles = {tiled_matmul(device, rows, outputs)};
  for (const TiledMatmul& tile : {TiledMatmul{8, 16, 2},
                                  {8, 16, 1},
                                  {8, 8, 2},
                                  {8, 8, 1},
                                  {8, 32, 1},
                                  {16, 8, 2},
                                  {16, 8, 1},
                                  {16, 16, 1}}) {
    if (tile.rows() < 2 * rows && allows_workgroup(device, tile.lanes, tile.group_rows) &&
        tile.shared_bytes() <= device.max_shared_bytes)
      add_tile(tiles, tile);
  }
  return tiles;
}

std::string MatrixTile::name() const {
  return fmt::format("{}x{}x{}x{}x{}", subgroup, subgroups_m, subgroups_n, matrices_m * matrix.m,
                     matrices_n * matrix.n);
}

std::uint32_t MatrixTile::shared_bytes() const {
  constexpr std::uint32_t kSpanBytes = 5 * 16;  // of 32 inputs, and what parts the banks
  return (rows() + columns()) * kSpanBytes + subgroups_m * subgroups_n * matrix.m * matrix.n * 4;
}

std::optional<MatrixTile> matrix_tile(const DeviceProfile& device, std::uint32_t rows,
                                      std::uint32_t outputs) {
  MatrixTile tile{.matrix = largest_matrix(device), .subgroup = least_subgroup(device)};
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
    if (divide_up(rows, tile.rows()) * divide_up(outputs, tile.columns()) >= kEnoughGroups) break;
  }
  return best;
}

std::vector<MatrixTile> matrix_tiles(const DeviceProfile& device, std::uint32_t rows,
                                     std::uint32_t outputs) {
  const std::optional<MatrixTile> first = matrix_tile(device, rows, outputs);
  if (!first) return {};
  std::vector<MatrixTile> tiles = {*first};
  const auto try_also = [&](std::uint32_t m, std::uint32_t n, std::uint32_t times_rows) {
    MatrixTile tile = *first;
    tile.subgroups_m = m;
    tile.subgroups_n = n;
    tile.matrices_m = first->matrices_m * times_rows;
    const std::uint32_t workgroup = tile.workgroup();
    // Each invocation loads as many eighths of a step as the others.
    const bool whole = tile.rows() * 4 % workgroup == 0 && tile.columns() * 4 % workgroup == 0;
    if (whole && allows_workgroup(device, workgroup, 1) && tile.rows() < 2 * std::max(rows, 32u) &&
        tile.shared_bytes() <= device.max_shared_bytes)
      add_tile(tiles, tile);
  };
  for (const auto& [m, n] :
       {std::pair{4u, 2u}, {2u, 2u}, {2u, 1u}, {1u, 1u}, {4u, 1u}, {1u, 2u}, {2u, 4u}}) {
    try_also(m, n, 1);
  }
  // More sums an invocation: fewer loads for each.
  for (const auto& [m, n] : {std::pair{2u, 2u}, {2u, 1u}, {1u, 2u}, {1u, 1u}}) try_also(m, n, 2);
  return tiles;
}

bool prefers_halves(const DeviceProfile& device) {
  return device.serves(kNeedStorage16) && (device.kind != DeviceKind::cpu || is_vector_cpu(device));
}

std::uint32_t matmul_broadcast_rows(const DeviceProfile& device, std::uint32_t rows) {
  // More rows share a load of weights; wide vectors have more registers to keep their sums in.
  if (rows >= 32 && device.subgroup_size >= 16) return 32;
  if (rows >= 16) return 16;
  return rows >= 4 ? 4 : 1;
}

std::vector<std::uint32_t> matmul_broadcast_tiles(const DeviceProfile& device, std::uint32_t rows) {
  std::vector<std::uint32_t> tiles = {matmul_broadcast_rows(device, rows)};
  for (const std::uint32_t more : {32u, 16u, 8u, 4u}) {
    if (more < 2 * rows) add_tile(tiles, more);
  }
  return tiles;
}

std::uint32_t attention_broadcast_queries(std::uint32_t queries, std::uint32_t head) {
  // Two share a broadcast; what both hold is to fit a first-level cache.
  return queries >= 2 && head <= 80 ? 2 : 1;
}

std::vector<std::uint32_t> attention_broadcast_tiles(std::uint32_t queries, std::uint32_t head) {
  std::vector<std::uint32_t> tiles = {attention_broadcast_queries(queries, head)};
  for (const std::uint32_t more : {1u, 2u}) {
    if (more <= std::max(queries, 1u)) add_tile(tiles, more);
  }
  return tiles;
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

std::string AttentionTile::name() const {
  return fmt::format("{}x{}x{}x{}x{}", lanes, group_rows, rows, keys, chunk);
}

AttentionTile attention_tile(const DeviceProfile& device, std::uint32_t queries, std::uint32_t head,
                             std::uint32_t element_bytes) {
  // Few queries are spread over more workgroups.
  const bool large = has_many_registers(device) && queries > 256;
  AttentionRoom room = large ? kLargeRoom : kSmallRoom;
  if (!large && device.max_shared_bytes <= 32768) {
    // Phones' compilers hold so much of longer chunks and of more sums in registers that less than
    // half of the waves are left, or spill.
    room.most_sums = 4;
    room.most_chunk = 8;
    room.most_lanes = element_bytes == 2 ? 16 : 32;
  }
  room.most_shared = std::min(room.most_shared, device.max_shared_bytes);
  return attention_tile_in(room, head, element_bytes);
}

std::vector<AttentionTile> attention_tiles(const DeviceProfile& device, std::uint32_t queries,
                                           std::uint32_t head, std::uint32_t element_bytes) {
  std::vector<AttentionTile> tiles = {attention_tile(device, queries, head, element_bytes)};
  for (const AttentionRoom& room : {kSmallRoom,
                                    kLargeRoom,
                                    AttentionRoom{128, 2, 10, 24576},
                                    {128, 4, 20, 49152},
                                    {256, 2, 10, 49152}}) {
    const AttentionTile tile = attention_tile_in(room, head, element_bytes);
    if (allows_workgroup(device, tile.lanes, tile.group_rows) &&
        tile.shared_bytes(element_bytes) <= device.max_shared_bytes)
      add_tile(tiles, tile);
  }
  return tiles;
}

std::uint32_t AttentionMatrixTile::shared_bytes() const {
  // Rows of 16 bytes as in the kernel, one more each than needed.
  const bool whole = chunk >= head;
  const std::uint32_t span = chunk / 8 + 1, values = chunk * (keys / 8 + 1);
  const std::uint32_t operands =
      ahead ? keys * span + values : std::max(values, (keys + (whole ? 0 : queries())) * span);
  const std::uint32_t staged =
      std::max(whole ? queries() * span : 0, subgroups_m * subgroups_n * matrix.m * matrix.n / 4);
  return std::max(operands + queries() * (keys / 4 + 1), staged) * 16 + queries() * 4;
}

namespace {

// Channels of a head that a workgroup holds in shared memory: all of them, filled up to whole
// matrices, while the queries' fit registers; else a part that divides them. 0: there is none.
std::uint32_t attention_chunk(const AttentionMatrixTile& tile, bool whole) {
  const std::uint32_t unit =
      std::lcm(std::lcm(tile.subgroups_n * tile.matrix.n, tile.matrix.k), 8u);
  if (whole) return std::uint32_t(divide_up(tile.head, unit)) * unit;
  for (std::uint32_t chunk = 80 / unit * unit; chunk > 0; chunk -= unit) {
    if (tile.head % chunk == 0) return chunk;
  }
  return 0;
}

// Registers an invocation for sums, queries and scores.
std::uint32_t matrix_registers(const AttentionMatrixTile& tile, bool whole) {
  const std::uint32_t elements = std::max(tile.chunk, tile.head) / tile.subgroups_n +
                                 (whole ? tile.chunk / 2 : 0) + tile.keys / tile.subgroups_n;
  return tile.matrices_m * tile.matrix.m * elements / tile.subgroup;
}

// Rows and subgroups of a tile.
struct AttentionShape {
  std::uint32_t rows, subgroups_m, subgroups_n, keys;
  bool whole;  // whether queries stay in registers
};

// Those with the most products for what is loaded come first.
constexpr AttentionShape kAttentionShapes[] = {
    {32, 4, 1, 32, true}, {16, 4, 1, 32, true},  {16, 2, 1, 32, true},  {16, 1, 2, 32, true},
    {8, 8, 1, 32, true},  {8, 4, 1, 32, true},   {8, 2, 2, 32, true},   {8, 1, 2, 32, true},
    {8, 1, 4, 32, true},  {32, 1, 4, 64, false}, {16, 1, 4, 64, false}, {8, 2, 8, 64, false},
};

}  // namespace

std::optional<AttentionMatrixTile> attention_matrix_tile(const DeviceProfile& device,
                                                         std::uint32_t queries, std::uint32_t head,
                                                         std::uint32_t heads) {
  AttentionMatrixTile tile{
      .matrix = largest_matrix(device), .subgroup = least_subgroup(device), .head = head};
  if (tile.matrix.m == 0 || tile.matrix.n % 8 != 0) return {};
  // Beside them compilers take 60 for addresses and operands.
  const std::uint32_t most_registers = tile.subgroup >= 32 ? 160 : 96;
  std::optional<AttentionMatrixTile> best;
  std::uint64_t most_groups = 0;
  for (const AttentionShape& shape : kAttentionShapes) {
    tile.subgroups_m = shape.subgroups_m;
    tile.subgroups_n = shape.subgroups_n;
    tile.matrices_m = shape.rows / tile.matrix.m;
    tile.keys = shape.keys;
    // Each row's scores are shared by lanes of one subgroup, eight or more a lane.
    const std::uint32_t lanes_a_row = tile.subgroup * tile.subgroups_n / shape.rows;
    if (shape.rows % tile.matrix.m != 0 || lanes_a_row == 0 || lanes_a_row > tile.subgroup ||
        tile.keys % (lanes_a_row * 8) != 0 || tile.keys % (tile.subgroups_n * tile.matrix.n) != 0)
      continue;
    tile.chunk = attention_chunk(tile, shape.whole);
    const std::uint32_t registers = matrix_registers(tile, shape.whole);
    const std::uint32_t loads = tile.keys * head / tile.workgroup();
    tile.ahead = shape.whole && loads <= 40 && registers + loads <= most_registers + 16;
    tile.ahead = tile.ahead && tile.shared_bytes() <= std::min(device.max_shared_bytes, 32768u);
    if (tile.chunk == 0 || registers > most_registers ||
        tile.workgroup() > device.max_workgroup_invocations ||
        tile.shared_bytes() > device.max_shared_bytes)
      continue;
    const std::uint64_t groups = divide_up(queries, tile.queries()) * heads;
    if (groups <= most_groups) continue;
    best = tile;
    most_groups = groups;
    if (groups >= kEnoughGroups) break;
  }
  return best;
}

std::uint32_t attention_workgroup(const DeviceProfile& device) {
  return device.kind == DeviceKind::cpu ? std::clamp(device.subgroup_size, 4u, 16u) : 64;
}

}  // namespace kiln
