// Weights: a path in a checkpoint, from which a network asks for tensors by name and shape.
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/graph/graph.h"
#include "runtime/weights/weight_source.h"

namespace kiln {

// What a model asked of its source, so that everything wrong is told at once.
class WeightReport {
 public:
  // Throws one Error when anything was missing or misshaped: a first line with the counts, then one
  // line per problem, at most 20. context: the model, e.g. "unet".
  void check(std::string_view context) const;
  bool is_clean() const { return problems_.empty(); }

  const std::set<std::string, std::less<>>& used() const { return used_; }
  // Names of the source that were never asked for, sorted.
  std::vector<std::string> unused(const WeightSource& source) const;

 private:
  friend class Weights;
  enum class Kind { missing, misshaped, unreadable };
  void add(Kind kind, std::string_view name, std::string line);

  struct Problem {
    Kind kind;
    std::string line;
  };
  std::vector<Problem> problems_;
  std::set<std::string, std::less<>> used_;  // every name asked for, found or not
};

// A value: copying one is copying a path. All paths made from one share its source and report.
class Weights {
 public:
  // path: where this model begins in the source, e.g. "unet"; empty for the whole source.
  Weights(WeightSourcePtr source, std::shared_ptr<WeightReport> report, std::string path = {});

  Weights operator[](std::string_view name) const;
  template <std::integral Index>
  Weights operator[](Index index) const {
    return (*this)[std::string_view(std::to_string(index))];
  }

  const std::string& path() const { return path_; }
  // True when the source has this tensor, readable or not. For parts a checkpoint may lack.
  bool has(std::string_view name) const;
  // Records the tensor as a constant of the graph. dims: the extents expected, as in PyTorch. One
  // that is missing or has other extents goes to the report and yields a constant whose read
  // throws Error, so that recording can go on and find the rest.
  Tensor tensor(Graph& graph, std::string_view name, std::vector<std::int64_t> dims) const;
  // Records several tensors as one constant, the rows of one after those of the other: layers that
  // read the same input become one. dims: of each. Each is asked for and reported as by tensor().
  Tensor stacked(Graph& graph, std::span<const std::string> names,
                 const std::vector<std::int64_t>& dims) const;

  const WeightSource& source() const { return *source_; }
  WeightReport& report() const { return *report_; }

 private:
  std::string full_name(std::string_view name) const;
  WeightData asked_for(std::string_view name, std::vector<std::int64_t> dims) const;

  WeightSourcePtr source_;
  std::shared_ptr<WeightReport> report_;
  std::string path_;
};

// The tensor's values, whatever its element type. Throws Error when it is absent or unreadable.
std::vector<float> read_as_f32(const WeightSource& source, std::string_view name);

// "1280x640x3x3"; "scalar" for no extents.
std::string dims_text(std::span<const std::int64_t> dims);

}  // namespace kiln
