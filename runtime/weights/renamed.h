// A source that shows another one under other names, cut or turned where a format differs.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "runtime/weights/weight_source.h"

namespace kiln {

// Applied in this order; an unset field does nothing.
struct TensorTransform {
  std::int64_t first_row = 0, row_count = 0;  // rows [first_row, first_row + row_count) of dim 0
  bool squeeze = false;    // drops trailing extents of 1: [out, in, 1, 1] becomes [out, in]
  bool transpose = false;  // of a matrix

  bool operator==(const TensorTransform&) const = default;
};

struct Rename {
  std::string new_name;
  std::string old_name;
  TensorTransform transform = {};
};

// Only names in the table are visible. A rule whose old name the inner source lacks is no tensor.
class Renamed final : public WeightSource {
 public:
  // Throws Error for a table with a new name given twice.
  Renamed(WeightSourcePtr inner, std::vector<Rename> table);

  std::string description() const override { return inner_->description(); }
  std::vector<std::string> names() const override;
  // Throws Error when the tensor is not of the form its transform needs.
  std::optional<TensorInfo> find(std::string_view name) const override;
  void read(std::string_view name, std::span<std::byte> out) const override;
  std::string name_in_file(std::string_view name) const override;

  // Names of the inner source that no rule refers to, sorted.
  std::vector<std::string> unclaimed() const;

 private:
  const Rename* rule(std::string_view name) const;

  WeightSourcePtr inner_;
  std::map<std::string, Rename, std::less<>> rules_;  // by new name
};

// The names of a source under the prefix, without it: {"a.b", "a.c"} under "a." shows "b", "c".
WeightSourcePtr without_prefix(WeightSourcePtr source, std::string_view prefix);

}  // namespace kiln
