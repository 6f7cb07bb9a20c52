// Table of tile sizes of products and norms, by class of device and of problem, and what may be
// tried instead; that of attention is in attention_tuning.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/graph/device_profile.h"
#include "runtime/ops/tile_names.h"

namespace kiln {

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

// What tiles of a product in shared memory depend on.
struct ProductSizes {
  std::uint32_t rows = 0, outputs = 0;
  std::uint64_t depth = 0;       // terms of a sum: inputs of all taps
  std::uint32_t image_rows = 0;  // of one image; 0: its sums cannot be divided
};

// Shape of shaders/matmul/tiled.glsl.
struct TiledMatmul {
  std::uint32_t lanes = 8;        // invocations along outputs; each makes eight
  std::uint32_t group_rows = 16;  // invocations along rows
  std::uint32_t row_quads = 1;    // an invocation makes four rows for each
  std::uint32_t parts = 1;        // of the terms, each with workgroups of its own

  std::uint32_t rows() const { return group_rows * row_quads * 4; }
  std::uint32_t columns() const { return lanes * 8; }
  std::uint32_t shared_bytes() const;
  std::string name() const;
  bool operator==(const TiledMatmul&) const = default;
};
TiledMatmul tiled_matmul(const DeviceProfile& device, std::uint32_t rows, std::uint32_t outputs,
                         std::uint32_t parts = 1);
std::vector<TiledMatmul> tiled_matmul_tiles(const DeviceProfile& device, const ProductSizes& of);

// Shape of shaders/matmul/matmul_matrix.comp.
struct MatrixTile {
  MatrixShape matrix;
  std::uint32_t subgroup = 32;                     // invocations of one
  std::uint32_t subgroups_m = 1, subgroups_n = 1;  // of a workgroup, along rows and columns
  std::uint32_t matrices_m = 1, matrices_n = 1;    // of a subgroup
  std::uint32_t parts = 1;                         // of the terms, each with workgroups of its own

  std::uint32_t rows() const { return subgroups_m * matrices_m * matrix.m; }
  std::uint32_t columns() const { return subgroups_n * matrices_n * matrix.n; }
  std::uint32_t workgroup() const { return subgroup * subgroups_m * subgroups_n; }
  std::uint32_t shared_bytes() const;
  std::string name() const;
  bool operator==(const MatrixTile&) const = default;
};
// None: the device has no unit for it, or none whose tiles fit.
std::optional<MatrixTile> matrix_tile(const DeviceProfile& device, std::uint32_t rows,
                                      std::uint32_t outputs, std::uint32_t parts = 1);
// Empty where matrix_tile() is none.
std::vector<MatrixTile> matrix_tiles(const DeviceProfile& device, const ProductSizes& of);

// Rows a workgroup of shaders/matmul/matmul_broadcast.comp, the choice without tuning first.
std::vector<std::uint32_t> matmul_broadcast_tiles(const DeviceProfile& device, std::uint32_t rows);
// Outputs a lane of it: few where there are few, so that lanes are not left without any.
std::uint32_t matmul_broadcast_wide(const DeviceProfile& device, DType element,
                                    std::uint32_t outputs);

// Invocations of a workgroup of shaders/norm, which share a sum of `units` terms: at most so many.
std::uint32_t norm_workgroup(const DeviceProfile& device, std::uint64_t units);

}  // namespace kiln
