// Weights: looks a tensor up, compares shapes, writes down what is wrong.
#include "runtime/weights/weights.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "runtime/base/align.h"
#include "runtime/base/error.h"
#include "runtime/base/half.h"
#include "runtime/weights/in_quotes.h"

namespace kiln {
namespace {

template <typename T>
T load(const std::byte* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return value;
}

float value_at(DType dtype, const std::byte* bytes) {
  switch (dtype) {
    case DType::f32:
      return load<float>(bytes);
    case DType::f64:
      return float(load<double>(bytes));
    case DType::f16:
      return float_from_half(load<std::uint16_t>(bytes));
    case DType::bf16:
      return float_from_bfloat16(load<std::uint16_t>(bytes));
    case DType::u8:
    case DType::boolean:
      return float(load<std::uint8_t>(bytes));
    case DType::i8:
      return float(load<std::int8_t>(bytes));
    case DType::i16:
      return float(load<std::int16_t>(bytes));
    case DType::i32:
      return float(load<std::int32_t>(bytes));
    case DType::u32:
      return float(load<std::uint32_t>(bytes));
    case DType::i64:
      return float(load<std::int64_t>(bytes));
  }
  return 0.0f;
}

// The name as it is in the file, where that is another one.
std::string shown_name(const WeightSource& source, const std::string& name) {
  const std::string in_file = source.name_in_file(name);
  // A joined source only drops its prefix: no news.
  return name.ends_with(in_file) ? name : fmt::format("{} (in the file: {})", name, in_file);
}

// Widens to float, which holds every type but f64 exactly.
void read_as_floats(const WeightData& data, std::span<std::byte> out) {
  const std::size_t element_bytes = size_bytes(data.dtype);
  std::vector<std::byte> bytes(out.size() / sizeof(float) * element_bytes);
  data.read(bytes);
  for (std::size_t i = 0; i < out.size() / sizeof(float); ++i) {
    const float value = value_at(data.dtype, bytes.data() + i * element_bytes);
    std::memcpy(out.data() + i * sizeof(float), &value, sizeof(float));
  }
}

// parts: at least one, of the same extents.
WeightData stacked_data(std::vector<WeightData> parts) {
  WeightData whole{parts[0].name, parts[0].dims, parts[0].dtype, {}};
  whole.dims.at(0) *= std::int64_t(parts.size());
  for (std::size_t i = 1; i < parts.size(); ++i) {
    whole.name += "+" + parts[i].name;
    if (parts[i].dtype != whole.dtype) whole.dtype = DType::f32;
  }
  whole.read = [parts = std::move(parts), dtype = whole.dtype](std::span<std::byte> out) {
    const std::size_t share = out.size() / parts.size();
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const std::span<std::byte> rows = out.subspan(i * share, share);
      if (parts[i].dtype == dtype) {
        parts[i].read(rows);
      } else {
        read_as_floats(parts[i], rows);
      }
    }
  };
  return whole;
}

}  // namespace

std::string dims_text(std::span<const std::int64_t> dims) {
  return dims.empty() ? "scalar" : fmt::format("{}", fmt::join(dims, "x"));
}

void WeightReport::add(Kind kind, std::string_view name, std::string line) {
  if (used_.contains(name)) return;  // told when it was first asked for
  problems_.push_back({kind, std::move(line)});
}

void WeightReport::check(std::string_view context) const {
  constexpr std::size_t kMostLines = 20;
  if (problems_.empty()) return;
  std::array<std::size_t, 3> counts{};
  std::string lines;
  for (std::size_t i = 0; i < problems_.size(); ++i) {
    ++counts[static_cast<std::size_t>(problems_[i].kind)];
    if (i < kMostLines) lines += "\n  " + problems_[i].line;
  }
  if (problems_.size() > kMostLines) {
    lines += fmt::format("\n  and {} more", problems_.size() - kMostLines);
  }
  fail(context, "the weights do not fit: {} missing, {} of another shape, {} unreadable, of {}{}",
       counts[0], counts[1], counts[2], used_.size(), lines);
}

std::vector<std::string> WeightReport::unused(const WeightSource& source) const {
  std::vector<std::string> names;
  for (std::string& name : source.names()) {
    if (!used_.contains(name)) names.push_back(std::move(name));
  }
  return names;
}

Weights::Weights(WeightSourcePtr source, std::shared_ptr<WeightReport> report, std::string path)
    : source_(std::move(source)), report_(std::move(report)), path_(std::move(path)) {}

std::string Weights::full_name(std::string_view name) const {
  return path_.empty() ? std::string(name) : fmt::format("{}.{}", path_, name);
}

Weights Weights::operator[](std::string_view name) const {
  return {source_, report_, full_name(name)};
}

bool Weights::has(std::string_view name) const {
  try {
    return source_->find(full_name(name)).has_value();
  } catch (const Error&) {
    return true;  // there, but unreadable: tensor() says why
  }
}

Tensor Weights::tensor(Graph& graph, std::string_view name, std::vector<std::int64_t> dims) const {
  return graph.constant(asked_for(name, std::move(dims)));
}

Tensor Weights::stacked(Graph& graph, std::span<const std::string> names,
                        const std::vector<std::int64_t>& dims) const {
  std::vector<WeightData> parts;
  for (const std::string& name : names) parts.push_back(asked_for(name, dims));
  return graph.constant(stacked_data(std::move(parts)));
}

WeightData Weights::asked_for(std::string_view name, std::vector<std::int64_t> dims) const {
  const std::string full = full_name(name);
  WeightData data{full, dims, DType::f32, {}};
  std::string problem;
  auto kind = WeightReport::Kind::unreadable;
  try {
    const auto info = source_->find(full);
    const bool fits = info && (source_->accepts_any_shape(full) || info->dims == dims);
    if (!info) {
      kind = WeightReport::Kind::missing;
      problem = fmt::format("missing {}, expected {}", shown_name(*source_, full), dims_text(dims));
    } else if (!fits) {
      kind = WeightReport::Kind::misshaped;
      problem = fmt::format("{} is {}, expected {}", shown_name(*source_, full),
                            dims_text(info->dims), dims_text(dims));
    } else if (!is_floating(info->dtype)) {
      problem = fmt::format("{} is {}, expected a floating-point type", shown_name(*source_, full),
                            to_text(info->dtype));
    } else {
      data.dtype = info->dtype;
    }
  } catch (const Error& error) {
    problem = error.what();
  }
  if (problem.empty()) {
    data.read = [source = source_, full, dims](std::span<std::byte> out) {
      source->read_shaped(full, dims, out);
    };
  } else {
    data.read = [problem](std::span<std::byte>) { fail("weights", "{}", problem); };
    report_->add(kind, full, problem);
  }
  report_->used_.insert(full);
  return data;
}

std::vector<float> read_as_f32(const WeightSource& source, std::string_view name) {
  const auto info = source.find(name);
  if (!info) fail(source.description(), "has no tensor {}", in_quotes(name));
  const std::size_t element_bytes = size_bytes(info->dtype);
  const auto elements = checked_elements(info->dims);
  const auto total = elements ? checked_product(*elements, element_bytes) : std::nullopt;
  if (!total) fail(source.description(), "tensor {} has an impossible shape", in_quotes(name));
  std::vector<std::byte> bytes(*total);
  source.read(name, bytes);
  std::vector<float> values(*elements);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = value_at(info->dtype, bytes.data() + i * element_bytes);
  }
  return values;
}

}  // namespace kiln
