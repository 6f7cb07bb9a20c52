// Table of tile sizes of attention, by class of device and of problem, and what may be tried
// instead.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/graph/device_profile.h"
#include "runtime/ops/tile_names.h"

namespace kiln {

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

// Queries a lane of shaders/attention/attention_broadcast.comp.
std::uint32_t attention_broadcast_queries(std::uint32_t queries, std::uint32_t head);
std::vector<std::uint32_t> attention_broadcast_tiles(std::uint32_t queries, std::uint32_t head);

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

}  // namespace kiln
