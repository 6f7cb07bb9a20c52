// The golden scheduler folder: configurations, tables and traces of the reference.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "models/sampling/scheduler_config.h"
#include "runtime/weights/json_text.h"
#include "runtime/weights/safetensors.h"

namespace kiln::test {

inline std::string golden_path(const std::string& name) {
  return std::string(KILN_SOURCE_DIR) + "/tests/golden/" + name;
}

inline nlohmann::json golden_json(const std::string& name) {
  const std::string path = golden_path(name);
  return parse_json(finite_json(read_text_file(path, 16 << 20)), path);
}

class GoldenTensors {
 public:
  explicit GoldenTensors(const std::string& name) : file_(Safetensors::open(golden_path(name))) {}

  bool has(const std::string& name) const { return file_->find(name).has_value(); }

  std::vector<double> read(const std::string& name) const {
    const TensorInfo info = file_->find(name).value();
    std::size_t count = 1;
    for (const std::int64_t extent : info.dims) count *= std::size_t(extent);
    std::vector<float> values(count);
    file_->read(name, std::as_writable_bytes(std::span(values)));
    return {values.begin(), values.end()};
  }

 private:
  std::shared_ptr<const Safetensors> file_;
};

}  // namespace kiln::test
