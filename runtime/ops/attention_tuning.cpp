// Tile sizes of attention: the first that fits, or the first with enough workgroups.
#include "runtime/ops/attention_tuning.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include "runtime/base/align.h"
#include "runtime/ops/device_class.h"

namespace kiln {
namespace {

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
