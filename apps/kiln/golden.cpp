// Reading golden folders and comparing tensors.
#include "apps/kiln/golden.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "models/sampling/scheduler_config.h"
#include "runtime/base/error.h"
#include "runtime/weights/json_text.h"
#include "runtime/weights/open_weights.h"
#include "runtime/weights/weights.h"

namespace kiln::app {

// Python writes infinite numbers, which finite_json replaces.
constexpr std::uint64_t kMostJsonBytes = 64 << 20;

GoldenFolder::GoldenFolder(std::filesystem::path folder, const std::string& tensors,
                           const std::string& tolerances)
    : folder_(std::move(folder)),
      cases_(parse_json(finite_json(read_text_file(folder_ / "golden.json", kMostJsonBytes)),
                        (folder_ / "golden.json").string())),
      source_(open_weights(folder_ / tensors)) {
  if (std::filesystem::exists(folder_ / tolerances)) {
    tolerances_ = read_json(folder_ / tolerances);
  }
}

std::vector<std::int64_t> GoldenFolder::dims(const std::string& name) const {
  const auto info = source_->find(name);
  if (!info) fail(folder_.string(), "golden tensor '{}' is missing", name);
  return info->dims;
}

std::vector<float> GoldenFolder::values(const std::string& name) const {
  return read_as_f32(*source_, name);
}

std::vector<std::int64_t> GoldenFolder::integers(const std::string& name) const {
  const auto info = source_->find(name);
  if (!info || info->dtype != DType::i64) fail(folder_.string(), "'{}' holds no integers", name);
  std::size_t count = 1;
  for (const std::int64_t extent : info->dims) count *= std::size_t(extent);
  std::vector<std::int64_t> values(count);
  source_->read(name, std::as_writable_bytes(std::span(values)));
  return values;
}

double GoldenFolder::half_error(const std::string& name) const {
  const auto entry = tolerances_.find(name);
  if (entry == tolerances_.end()) return 0;
  return entry->value("f16_vs_f32_nrmse", 0.0);
}

Comparison compare(const std::string& name, const std::vector<float>& got,
                   const std::vector<float>& expected, double bound) {
  Comparison result{.name = name, .bound = bound, .note = {}};
  if (got.size() != expected.size()) {
    result.note = fmt::format("has {} values, expected {}", got.size(), expected.size());
    return result;
  }
  double difference = 0, size = 0, largest_difference = 0, largest = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (!std::isfinite(got[i])) {
      result.note = fmt::format("value {} is {}", i, got[i]);
      return result;
    }
    const double d = double(got[i]) - double(expected[i]);
    difference += d * d;
    size += double(expected[i]) * double(expected[i]);
    largest_difference = std::max(largest_difference, std::abs(d));
    largest = std::max(largest, std::abs(double(expected[i])));
  }
  result.nrmse = size > 0 ? std::sqrt(difference / size) : std::sqrt(difference);
  result.max_relative = largest > 0 ? largest_difference / largest : largest_difference;
  result.passed = result.nrmse <= bound && result.max_relative <= 10 * bound;
  return result;
}

Comparison compare_absolute(const std::string& name, const std::vector<float>& got,
                            const std::vector<float>& expected, double bound) {
  Comparison result = compare(name, got, expected, bound);
  if (!result.note.empty()) return result;
  double largest = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    largest = std::max(largest, std::abs(double(got[i]) - double(expected[i])));
  }
  result.passed = largest <= bound;
  result.note = fmt::format("largest absolute difference {:.2g}", largest);
  return result;
}

std::size_t Report::failures() const {
  return std::size_t(std::count_if(comparisons.begin(), comparisons.end(),
                                   [](const Comparison& entry) { return !entry.passed; }));
}

}  // namespace kiln::app
