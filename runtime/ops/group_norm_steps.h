// A group normalization as dispatches, whole or by parts, through the kernels that suit a device.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "runtime/graph/lowering.h"

namespace kiln {

// y = activation(scale * (x - mean) / sqrt(variance + epsilon) + shift), statistics per image and
// group. x is input 0 of the operation.
struct GroupNormProblem {
  Shape shape;
  std::uint32_t groups = 1;
  float epsilon = 0;
  std::uint32_t activation = 0;  // of shaders/common/activation.glsl
  std::size_t scale_input = 1;   // shift follows

  std::uint32_t group_channels() const { return shape.channels / groups; }
};

// How the pixels of an image are split.
struct NormParts {
  std::uint32_t count = 1, pixels = 0;
};

// What is bound at once: all images, or some whole parts of one.
struct NormPiece {
  std::uint32_t images = 1, image = 0, first_part = 0, parts = 0, pixels = 0;
  Operand x = {}, first_pixel = {};
  bool strided = false;  // first_pixel holds whole images, not one pixel
};

class GroupNormSteps {
 public:
  GroupNormSteps(Lowering& to, const GroupNormProblem& problem);

  // Normalizes x into the operation's output, in the way that is fastest here.
  void normalize();

  // For those that work in bands: what apply() needs of all pixels, one scratch value. To be called
  // once.
  void statistics();
  // Normalizes a piece of x into y.
  void apply(const NormPiece& piece, const Operand& y);
  // `count` pixels of the only image from `first` on, which lie in `lines`.
  NormPiece band_of(std::uint64_t first, std::uint32_t count) const;

 private:
  bool by_channels() const;
  bool prefers_whole() const;
  // The pieces that cover x, each small enough to be bound, and where their results lie in y.
  std::vector<NormPiece> pieces() const;
  Operand result_of(const NormPiece& piece) const;
  std::uint64_t pixel_bytes() const;
  bool is_cut() const;
  NormParts parts() const;
  Operand pixels_of(Operand value, std::uint32_t image, std::uint64_t first,
                    std::uint64_t count) const;
  std::uint32_t workgroup() const;
  std::uint32_t words() const;
  std::uint32_t channel_blocks() const;
  std::uint32_t first_stride(const NormPiece& piece, std::uint32_t unit) const;

  void normalize_whole();
  void channel_statistics();
  void group_statistics();
  void apply_by_channels(const NormPiece& piece, const Operand& y);
  void apply_by_groups(const NormPiece& piece, const Operand& y);

  Lowering& to_;
  GroupNormProblem problem_;
  Operand x_;  // as it is before bands take its place
  bool by_channels_;
  NormParts parts_;
  Operand statistics_ = {};
};

}  // namespace kiln
