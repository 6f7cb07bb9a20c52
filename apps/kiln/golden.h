// A folder of golden tensors, and the comparison of what the engine made with them.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "runtime/weights/weight_source.h"

namespace kiln::app {

// The layout is described in tests/golden/README.md.
class GoldenFolder {
 public:
  // tensors, tolerances: file names in the folder. Throws Error when tensors or golden.json are
  // missing; a missing tolerance file means the general bounds.
  GoldenFolder(std::filesystem::path folder, const std::string& tensors = "golden.safetensors",
               const std::string& tolerances = "tolerance.json");

  const std::filesystem::path& folder() const { return folder_; }
  const nlohmann::json& cases() const { return cases_; }  // golden.json
  std::vector<std::string> names() const { return source_->names(); }

  bool has(const std::string& name) const { return source_->find(name).has_value(); }
  std::vector<std::int64_t> dims(const std::string& name) const;
  std::vector<float> values(const std::string& name) const;
  std::vector<std::int64_t> integers(const std::string& name) const;
  // How far a float16 run of the reference is from the golden; 0 when not stated.
  double half_error(const std::string& name) const;

 private:
  std::filesystem::path folder_;
  nlohmann::json cases_, tolerances_;
  WeightSourcePtr source_;
};

// One compared tensor.
struct Comparison {
  std::string name;
  double nrmse = 0;         // rms(a - b) / rms(b)
  double max_relative = 0;  // max|a - b| / max|b|
  double bound = 0;         // of nrmse; max_relative may be ten times it
  bool passed = false;
  std::string note;  // why it failed without a figure, e.g. another size
};

Comparison compare(const std::string& name, const std::vector<float>& got,
                   const std::vector<float>& expected, double bound);
// As compare, but the largest absolute difference counts.
Comparison compare_absolute(const std::string& name, const std::vector<float>& got,
                            const std::vector<float>& expected, double bound);

// What a run found, in the order found.
struct Report {
  std::vector<Comparison> comparisons;
  std::vector<std::string> unsupported;  // "name: what is not built yet"
  std::size_t failures() const;
};

}  // namespace kiln::app
