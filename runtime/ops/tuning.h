// The only table of tile sizes, by class of device and of problem, and what may be tried instead.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/graph/device_profile.h"

namespace kiln {

// Functions named ..._tiles: the tiles a kernel can be launched with on the device, each with
// another name; first that of the table, then what `kiln tune` tries beside it. Never empty where
// the kernel can serve.

// So few outputs leave most of a CPU's panel unused: its lanes lie along rows instead.
constexpr std::uint32_t kThinOutputs = 4;

// Shape of shaders/matmul/matmul.comp.
struct MatmulTile {
  std::uint32_t lanes = 8;       // invocations along outputs; each makes four
  std::uint32_t group_rows = 1;  // invocations along rows
  std::uint32_t rows = 8;        // rows an invocation

  std::string name() const;
  bool operator==(const MatmulTile&) const = default;
};
MatmulTile matmul_tile(const DeviceProfile& device, std::uint32_t rows, std::uint32_t outputs);
std::vector<MatmulTile> matmul_tiles(const DeviceProfile& device, std::uint32_t rows,
                                     std::uint32_t outputs);

// Shape of shaders/matmul/tiled.glsl.
struct TiledMatmul {
  std::uint32_t lanes = 8;        // invocations along outputs; each makes eight
  std::uint32_t group_rows = 16;  // invocations along rows
  std::uint32_t row_quads = 1;    // an invocation makes four rows for each

  std::uint32_t rows() const { return group_rows * row_quads * 4; }
  std::uint32_t columns() const { return lanes * 8; }
  std::uint32_t shared_bytes() const;
  std::string name() const;
  bool operator==(const TiledMatmul&) const = default;
};
TiledMatmul tiled_matmul(const DeviceProfile& device, std::uint32_t rows, std::uint32_t outputs);
std::vector<TiledMatmul> tiled_matmul_tiles(const DeviceProfile& device, std::uint32_t rows,
                                            std::uint32_t outputs);

// Shape of shaders/matmul/matmul_matrix.comp.
struct MatrixTile {
  MatrixShape matrix;
  std::uint32_t subgroup = 32;                     // invocations of one
  std::uint32_t subgroups_m = 1, subgroups_n = 1;  // of a workgroup, along rows and columns
  std::uint32_t matrices_m = 1, matrices_n = 1;    // of a subgroup

  std::uint32_t rows() const { return subgroups_m * matrices_m * matrix.m; }
  std::uint32_t columns() const { return subgroups_n * matrices_n * matrix.n; }
  std::uint32_t workgroup() const { return subgroup * subgroups_m * subgroups_n; }
  std::uint32_t shared_bytes() const;
  std::string name() const;
  bool operator==(const MatrixTile&) const = default;
};
// None: the device has no unit for it, or none whose tiles fit.
std::optional<MatrixTile> matrix_tile(const DeviceProfile& device, std::uint32_t rows,
                                      std::uint32_t outputs);
// Empty where matrix_tile() is none.
std::vector<MatrixTile> matrix_tiles(const DeviceProfile& device, std::uint32_t rows,
                                     std::uint32_t outputs);

// Shape of shaders/attention/attention_matrix.comp.
struct AttentionMatrixTile {
  MatrixShape matrix;
  std::uint32_t subgroup = 32;                     // invocations of one
  std::uint32_t subgroups_m = 1, subgroups_n = 1;  // along queries; along keys and channels
  std::uint32_t matrices_m = 1;                    // of a subgroup, along queries
  std::uint32_t keys = 32;                         // handled together
  std::uint32_t head = 0;                          // channels of one
  std::uint32_t chunk = 0;                         // channels in shared memory at once
  bool ahead = false;                              // keys and values are loaded a turn ahead

  std::uint32_t queries() const { return subgroups_m * matrices_m * matrix.m; }
  std::uint32_t workgroup() const { return subgroup * subgroups_m * subgroups_n; }
  std::uint32_t shared_bytes() const;
};
// None: the device has no unit for it, or none whose tiles fit. heads: of all images.
std::optional<AttentionMatrixTile> attention_matrix_tile(const DeviceProfile& device,
                                                         std::uint32_t queries, std::uint32_t head,
                                                         std::uint32_t heads);

// Whether a subgroup is one vector of a CPU, of 4 to 16 lanes.
bool is_vector_cpu(const DeviceProfile& device);

// Whether 16-bit storage is there, and no slower than 32 bits. CPUs whose subgroups are no vectors
// get kernels that convert such values one by one.
bool prefers_halves(const DeviceProfile& device);

// Rows a workgroup of shaders/matmul/matmul_broadcast.comp, tiles a workgroup of winograd.comp.
std::uint32_t matmul_broadcast_rows(const DeviceProfile& device, std::uint32_t rows);
std::vector<std::uint32_t> matmul_broadcast_tiles(const DeviceProfile& device, std::uint32_t rows);

// Queries a lane of shaders/attention/attention_broadcast.comp.
std::uint32_t attention_broadcast_queries(std::uint32_t queries, std::uint32_t head);
std::vector<std::uint32_t> attention_broadcast_tiles(std::uint32_t queries, std::uint32_t head);

// Invocations of a workgroup of shaders/norm, which share a sum of `units` terms: at most so many.
std::uint32_t norm_workgroup(const DeviceProfile& device, std::uint64_t units);

// Shape of shaders/attention/attention_tiled.comp.
struct AttentionTile {
  std::uint32_t lanes = 4;        // invocations along keys and channels
  std::uint32_t group_rows = 32;  // invocations along queries
  std::uint32_t rows = 4;         // queries an invocation
  std::uint32_t keys = 4;         // scores an invocation and query
  std::uint32_t chunk = 8;        // quads of a head in shared memory at once

  std::uint32_t queries() const { return group_rows * rows; }
  // Of the shared memory it takes, a quad being four elements.
  std::uint32_t shared_bytes(std::uint32_t element_bytes) const;
  std::string name() const;
  bool operator==(const AttentionTile&) const = default;
};
AttentionTile attention_tile(const DeviceProfile& device, std::uint32_t queries, std::uint32_t head,
                             std::uint32_t element_bytes);
std::vector<AttentionTile> attention_tiles(const DeviceProfile& device, std::uint32_t queries,
                                           std::uint32_t head, std::uint32_t element_bytes);

// Invocations of a workgroup of shaders/attention/attention.comp; each handles one query.
std::uint32_t attention_workgroup(const DeviceProfile& device);

// "8x16x2": what tells a tile from the others of its kernel, in the order of its fields.
inline std::string name_of(std::uint32_t tile) { return std::to_string(tile); }
template <typename Tile>
std::string name_of(const Tile& tile) {
  return tile.name();
}

template <typename Tile>
std::vector<std::string> names_of(const std::vector<Tile>& tiles) {
  std::vector<std::string> names;
  for (const Tile& tile : tiles) names.push_back(name_of(tile));
  return names;
}

// The tile of this name, else the first. tiles: not empty.
template <typename Tile>
Tile tile_named(const std::vector<Tile>& tiles, std::string_view name) {
  if (name.empty()) return tiles.front();
  for (const Tile& tile : tiles) {
    if (name_of(tile) == name) return tile;
  }
  return tiles.front();
}

}  // namespace kiln
