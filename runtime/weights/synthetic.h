// Seeded random weights for any network, without a file.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "runtime/weights/weight_source.h"

namespace kiln {

// Has every tensor, in whatever shape is asked for. Value i of a tensor depends on (seed, name, i)
// alone: a weight of rank 2 or more is uniform with variance 1 / (inputs of one output), so
// activations keep their size; a norm's weight is 1 + small; a bias is small.
// Ask Weights::has() of it only where both answers would do, or name what it lacks in `absent`.
class Synthetic final : public WeightSource {
 public:
  // dtype: f32 or f16. absent: names it shall not have.
  explicit Synthetic(std::uint64_t seed, DType dtype = DType::f16,
                     std::function<bool(std::string_view)> absent = {});

  std::string description() const override { return "synthetic"; }
  std::vector<std::string> names() const override { return {}; }
  std::optional<TensorInfo> find(std::string_view name) const override;
  // A vector of as many elements as out holds.
  void read(std::string_view name, std::span<std::byte> out) const override;
  bool accepts_any_shape(std::string_view name) const override { return find(name).has_value(); }
  void read_shaped(std::string_view name, std::span<const std::int64_t> dims,
                   std::span<std::byte> out) const override;

 private:
  std::uint64_t seed_;
  DType dtype_;
  std::function<bool(std::string_view)> absent_;
};

}  // namespace kiln
