// Three ways: a workgroup takes a group, or part of one, or a vector of channels.
#include "runtime/ops/group_norm_steps.h"

#include <algorithm>

#include "kernels/channel_apply.h"
#include "kernels/channel_scale.h"
#include "kernels/channel_statistics.h"
#include "kernels/group_norm.h"
#include "kernels/group_norm_apply.h"
#include "kernels/group_statistics.h"
#include "runtime/base/align.h"
#include "runtime/ops/bands.h"
#include "runtime/ops/device_class.h"
#include "runtime/ops/tuning.h"
#include "runtime/ops/units.h"

namespace kiln {
namespace {

// A part gives every lane of a workgroup some 32 elements; every lane then joins all parts.
constexpr std::uint64_t kPartElements = 8192;
constexpr std::uint64_t kMostParts = 32;
// Of a vector of channels: read twice, from a first-level cache.
constexpr std::uint64_t kPartPixels = 256;
constexpr std::uint64_t kMostChannelParts = 2048;

}  // namespace

GroupNormSteps::GroupNormSteps(Lowering& to, const GroupNormProblem& problem)
    : to_(to), problem_(problem), x_(to.input(0)), by_channels_(by_channels()), parts_(parts()) {}

bool GroupNormSteps::by_channels() const {
  const DeviceProfile& device = to_.device();
  const std::uint64_t most_workgroups = kMostChannelParts * problem_.shape.batch;
  return is_vector_cpu(device) &&
         problem_.group_channels() % (4 / size_bytes(to_.element())) == 0 &&
         most_workgroups <= device.max_grid[0] && to_.may_use<kernels::channel_statistics>() &&
         to_.may_use<kernels::channel_scale>() && to_.may_use<kernels::channel_apply>();
}

// Either way serves every size: what is to be avoided decides first.
bool GroupNormSteps::prefers_whole() const {
  const bool can_parts = by_channels_ || (to_.may_use<kernels::group_statistics>() &&
                                          to_.may_use<kernels::group_norm_apply>());
  const bool better_parts = by_channels_ || parts_.count > 1;
  return to_.may_use<kernels::group_norm>() && !(can_parts && better_parts);
}

void GroupNormSteps::normalize() {
  if (prefers_whole()) return normalize_whole();
  statistics();
  for (const NormPiece& piece : pieces()) apply(piece, result_of(piece));
}

void GroupNormSteps::normalize_whole() {
  const Shape& shape = problem_.shape;
  const std::uint32_t unit = unit_width(problem_.group_channels());
  to_.dispatch<kernels::group_norm>(
      {x_, to_.input(problem_.scale_input), to_.input(problem_.scale_input + 1), to_.output()},
      {.images = shape.batch,
       .pixels = shape.pixels(),
       .groups = problem_.groups,
       .group_units = problem_.group_channels() / unit,
       .epsilon = problem_.epsilon},
      {.workgroup = workgroup(), .quads = unit == 4, .activation = problem_.activation},
      to_.folded(std::uint64_t(shape.batch) * problem_.groups));
}

std::uint64_t GroupNormSteps::pixel_bytes() const {
  return std::uint64_t(problem_.shape.channels) * size_bytes(to_.element());
}

bool GroupNormSteps::is_cut() const {
  return to_.exceeds_binding(problem_.shape.pixels() * problem_.shape.batch * pixel_bytes());
}

// Parts of a picture that is too large to bind begin where bindings may.
NormParts GroupNormSteps::parts() const {
  const std::uint64_t all = problem_.shape.pixels();
  const std::uint64_t count =
      by_channels_
          ? std::min(divide_up(all, kPartPixels), kMostChannelParts)
          : std::min({divide_up(all * problem_.group_channels(), kPartElements), all, kMostParts});
  std::uint64_t pixels = divide_up(all, count);
  if (is_cut()) {
    const std::uint64_t multiple = aligned_lines(to_, pixel_bytes());
    const std::uint64_t most = to_.device().max_binding_bytes / pixel_bytes();
    pixels = align_up(std::min(pixels, most - std::min(most, multiple)), multiple);
  }
  return {std::uint32_t(divide_up(all, pixels)), std::uint32_t(pixels)};
}

Operand GroupNormSteps::pixels_of(Operand value, std::uint32_t image, std::uint64_t first,
                                  std::uint64_t count) const {
  value.offset_bytes = (std::uint64_t(image) * problem_.shape.pixels() + first) * pixel_bytes();
  value.size_bytes = count * pixel_bytes();
  return value;
}

std::vector<NormPiece> GroupNormSteps::pieces() const {
  const Shape& shape = problem_.shape;
  if (!is_cut()) {
    return {{.images = shape.batch,
             .parts = parts_.count,
             .pixels = shape.pixels(),
             .x = x_,
             .first_pixel = x_,
             .strided = true}};
  }
  const std::uint64_t part_bytes = parts_.pixels * pixel_bytes();
  const auto most =
      std::uint32_t(std::max<std::uint64_t>(to_.device().max_binding_bytes / part_bytes, 1));
  std::vector<NormPiece> pieces;
  for (std::uint32_t image = 0; image < shape.batch; ++image) {
    for (std::uint32_t first = 0; first < parts_.count; first += most) {
      NormPiece piece{.image = image, .first_part = first};
      piece.parts = std::min(most, parts_.count - first);
      const std::uint32_t begin = first * parts_.pixels;
      piece.pixels = std::min(piece.parts * parts_.pixels, shape.pixels() - begin);
      piece.x = pixels_of(x_, image, begin, piece.pixels);
      piece.first_pixel = pixels_of(x_, image, 0, 1);
      pieces.push_back(piece);
    }
  }
  return pieces;
}

Operand GroupNormSteps::result_of(const NormPiece& piece) const {
  return is_cut()
             ? pixels_of(to_.output(), piece.image, piece.first_part * parts_.pixels, piece.pixels)
             : to_.output();
}

NormPiece GroupNormSteps::band_of(std::uint64_t first, std::uint32_t count) const {
  NormPiece piece{.pixels = count};
  piece.parts = std::uint32_t(divide_up(count, parts_.pixels));
  piece.x = pixels_of(x_, 0, first, count);
  piece.first_pixel = pixels_of(x_, 0, 0, 1);
  return piece;
}

std::uint32_t GroupNormSteps::workgroup() const {
  return workgroup_width(to_.device(), norm_workgroup(to_.device(), kPartElements));
}

std::uint32_t GroupNormSteps::words() const { return std::uint32_t(pixel_bytes() / 4); }

std::uint32_t GroupNormSteps::channel_blocks() const {
  return std::uint32_t(divide_up(words(), to_.device().subgroup_size));
}

std::uint32_t GroupNormSteps::first_stride(const NormPiece& piece, std::uint32_t unit) const {
  return piece.strided ? problem_.shape.pixels() * unit : 0;
}

void GroupNormSteps::statistics() {
  if (by_channels_) {
    channel_statistics();
  } else {
    group_statistics();
  }
}

void GroupNormSteps::apply(const NormPiece& piece, const Operand& y) {
  if (by_channels_) {
    apply_by_channels(piece, y);
  } else {
    apply_by_groups(piece, y);
  }
}

void GroupNormSteps::channel_statistics() {
  const Shape& shape = problem_.shape;
  const std::uint32_t lanes = to_.device().subgroup_size;
  const std::uint32_t row = channel_blocks() * lanes * (4 / size_bytes(to_.element()));
  const Operand partials =
      to_.scratch(std::uint64_t(shape.batch) * parts_.count * row * 2 * sizeof(float));
  statistics_ = to_.scratch(std::uint64_t(shape.batch) * shape.channels * 4 * sizeof(float));
  for (const NormPiece& piece : pieces()) {
    to_.dispatch<kernels::channel_statistics>(
        {piece.x, piece.first_pixel, partials},
        {.pixels = piece.pixels,
         .words = words(),
         .parts = parts_.count,
         .part_pixels = parts_.pixels,
         .first_part = piece.first_part,
         .runs = piece.parts,
         .first_image = piece.image,
         .first_stride = first_stride(piece, words())},
        {.lanes = lanes}, Grid{piece.images * piece.parts, channel_blocks(), 1});
  }
  for (const NormPiece& piece : pieces()) {
    if (piece.first_part != 0) continue;
    to_.dispatch<kernels::channel_scale>(
        {partials, piece.first_pixel, to_.input(problem_.scale_input),
         to_.input(problem_.scale_input + 1), statistics_},
        {.pixels = shape.pixels(),
         .group_channels = problem_.group_channels(),
         .first_image = piece.image,
         .parts = parts_.count,
         .part_pixels = parts_.pixels,
         .row = row,
         .first_stride = first_stride(piece, shape.channels),
         .epsilon = problem_.epsilon},
        {.workgroup = workgroup()}, Grid{problem_.groups, piece.images, 1});
  }
}

void GroupNormSteps::apply_by_channels(const NormPiece& piece, const Operand& y) {
  const std::uint32_t lanes = to_.device().subgroup_size;
  to_.dispatch<kernels::channel_apply>(
      {piece.x, statistics_, y},
      {.pixels = piece.pixels,
       .words = words(),
       .runs = piece.parts,
       .run_pixels = parts_.pixels,
       .first_image = piece.image},
      {.lanes = lanes, .activation = problem_.activation, .whole = words() % lanes == 0},
      Grid{piece.images * piece.parts, channel_blocks(), 1});
}

void GroupNormSteps::group_statistics() {
  const std::uint32_t unit = unit_width(problem_.group_channels());
  statistics_ = to_.scratch(align_up(
      std::uint64_t(problem_.shape.batch) * problem_.groups * parts_.count * 2 * sizeof(float),
      16));
  for (const NormPiece& piece : pieces()) {
    to_.dispatch<kernels::group_statistics>(
        {piece.x, piece.first_pixel, statistics_},
        {.images = piece.images,
         .pixels = piece.pixels,
         .groups = problem_.groups,
         .group_units = problem_.group_channels() / unit,
         .parts = parts_.count,
         .part_pixels = parts_.pixels,
         .first_part = piece.first_part,
         .runs = piece.parts,
         .first_group = piece.image * problem_.groups,
         .first_stride = first_stride(piece, problem_.shape.channels)},
        {.workgroup = workgroup(), .quads = unit == 4},
        to_.folded(std::uint64_t(piece.images) * problem_.groups * piece.parts));
  }
}

void GroupNormSteps::apply_by_groups(const NormPiece& piece, const Operand& y) {
  const std::uint32_t unit = unit_width(problem_.group_channels());
  to_.dispatch<kernels::group_norm_apply>(
      {piece.x, to_.input(problem_.scale_input), to_.input(problem_.scale_input + 1), statistics_,
       piece.first_pixel, y},
      {.images = piece.images,
       .pixels = problem_.shape.pixels(),
       .groups = problem_.groups,
       .group_units = problem_.group_channels() / unit,
       .parts = parts_.count,
       .part_pixels = parts_.pixels,
       .band_pixels = piece.pixels,
       .runs = piece.parts,
       .run_pixels = parts_.pixels,
       .first_group = piece.image * problem_.groups,
       .first_stride = first_stride(piece, problem_.shape.channels),
       .epsilon = problem_.epsilon},
      {.workgroup = workgroup(), .quads = unit == 4, .activation = problem_.activation},
      to_.folded(std::uint64_t(piece.images) * problem_.groups * piece.parts));
}

}  // namespace kiln
