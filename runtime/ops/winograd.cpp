// The input transform and the products, band by band, so that what is between them stays in a
// cache.
#include "runtime/ops/winograd.h"

#include <algorithm>

#include "kernels/winograd.h"
#include "kernels/winograd_input.h"
#include "runtime/base/align.h"
#include "runtime/ops/device_class.h"
#include "runtime/ops/tuning.h"

namespace kiln {
namespace {

constexpr std::uint32_t kProducts = 16;
constexpr std::uint32_t kRows = 16;  // tiles a workgroup, as in winograd.glsl
constexpr std::uint64_t kBandBytes = 2ull
                                     << 20;  // of transformed inputs: with weights, an L2 cache
constexpr std::uint32_t kLeastTiles = 16;    // of a picture; fewer do not pay for more weights
// Of all such devices: the size of one device's subgroups must not decide, see fits_winograd.
constexpr std::uint32_t kMostLanes = 16;
constexpr std::uint32_t kInputsMultiple = 2 * kMostLanes;  // a load in 16 bits

std::uint32_t tiles_of(const MatmulProblem& problem) {
  return std::uint32_t(divide_up(problem.out_height, 2) * divide_up(problem.out_width, 2));
}

std::uint64_t tile_bytes(const MatmulProblem& problem) {
  return std::uint64_t(kProducts) * problem.inputs * sizeof(float);
}

// Tiles whose transformed inputs are in memory together: whole blocks of kRows.
std::uint32_t band_tiles(const DeviceProfile& device, const MatmulProblem& problem,
                         std::uint32_t tiles) {
  const std::uint64_t block_flops = 4 * problem.flops_a_row() * kRows;  // four pixels a tile
  const std::uint64_t blocks =
      std::min({kBandBytes / (tile_bytes(problem) * kRows), device.max_dispatch_flops / block_flops,
                std::uint64_t(device.max_grid[0] / kRows), std::uint64_t(device.max_grid[1]),
                divide_up(tiles, kRows)});
  return std::uint32_t(std::max<std::uint64_t>(blocks, 1) * kRows);
}

}  // namespace

bool fits_winograd(const DeviceProfile& device, DType element, const MatmulProblem& problem) {
  const std::uint64_t weight_bytes =
      align_up(problem.outputs, 4 * kMostLanes) * problem.inputs * kProducts * size_bytes(element);
  return weight_bytes <= device.max_binding_bytes && is_vector_cpu(device) &&
         device.may_use(kernels::winograd_input::info(element)) && problem.kernel == 3 &&
         problem.stride == 1 && problem.padding == 1 &&
         problem.in_height * problem.upscale == problem.out_height &&
         problem.in_width * problem.upscale == problem.out_width &&
         problem.inputs % kInputsMultiple == 0 && problem.outputs % 2 == 0 &&
         problem.outputs > kThinOutputs && tiles_of(problem) >= kLeastTiles;
}

void lower_winograd(Lowering& to, const MatmulProblem& problem) {
  using Transform = kernels::winograd_input;
  using Kernel = kernels::winograd;
  const std::uint32_t lanes = to.device().subgroup_size, columns = 4 * lanes;
  const std::uint32_t images = problem.rows / (problem.out_height * problem.out_width);
  const std::uint32_t tiles = images * tiles_of(problem);
  const std::uint32_t band = band_tiles(to.device(), problem, tiles);
  const Operand x = to.input(0);
  const Operand weight = to.packed(1, {.layout = Packing::Layout::winograd, .columns = columns});
  const Operand bias = problem.has_bias ? to.input(2) : x;  // a stand-in is never read
  const Operand addend = problem.addend_input != 0 ? to.input(problem.addend_input) : x;
  const Operand transformed = to.scratch(band * tile_bytes(problem));
  const auto panels = std::uint32_t(divide_up(problem.outputs, columns));
  for (std::uint32_t first = 0; first < tiles; first += band) {
    const std::uint32_t count = std::min(band, tiles - first);
    const auto blocks = std::uint32_t(divide_up(count, kRows));
    to.dispatch<Transform>({x, transformed},
                           {.first_tile = first,
                            .tiles = count,
                            .inputs = problem.inputs,
                            .height = problem.out_height,
                            .width = problem.out_width},
                           {.lanes = lanes, .upscale = problem.upscale},
                           Grid{blocks * kRows, 1, 1});
    // Its share of the convolution's operations as defined, of which it needs 16 of 36, upscaled 9.
    const std::uint64_t flops = problem.rows * problem.flops_a_row() * count / tiles;
    to.dispatch<Kernel>({transformed, weight, bias, addend, to.output()},
                        {.first_tile = first,
                         .tiles = count,
                         .inputs = problem.inputs,
                         .outputs = problem.outputs,
                         .height = problem.out_height,
                         .width = problem.out_width,
                         .addend_rows = problem.addend_rows},
                        {.lanes = lanes,
                         .has_bias = problem.has_bias,
                         .has_addend = problem.addend_input != 0,
                         .activation = problem.activation,
                         .upscale = problem.upscale},
                        Grid{panels, blocks, 1}, flops);
  }
}

}  // namespace kiln
