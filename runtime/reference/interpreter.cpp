// Values held by id, one node after another.
#include "runtime/reference/interpreter.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "runtime/base/error.h"
#include "runtime/base/half.h"
#include "runtime/graph/packing.h"

namespace kiln::reference {
namespace {

template <typename Stored, typename Convert>
Numbers widened(std::span<const std::byte> bytes, Convert convert) {
  Numbers values(bytes.size() / sizeof(Stored));
  for (std::size_t i = 0; i < values.size(); ++i) {
    Stored number;
    std::memcpy(&number, bytes.data() + i * sizeof(Stored), sizeof(Stored));
    values[i] = double(convert(number));
  }
  return values;
}

template <typename Stored, typename Convert>
std::vector<std::byte> narrowed(std::span<const double> values, Convert convert) {
  std::vector<std::byte> bytes(values.size() * sizeof(Stored));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Stored number = convert(values[i]);
    std::memcpy(bytes.data() + i * sizeof(Stored), &number, sizeof(Stored));
  }
  return bytes;
}

std::uint16_t saturated_half(double value) {
  return half_from_float(float(std::clamp(value, -65504.0, 65504.0)));
}

}  // namespace

double stored(double value, DType type) {
  if (type == DType::f16) return double(float_from_half(saturated_half(value)));
  return type == DType::f32 ? double(float(value)) : value;
}

std::vector<std::byte> to_bytes(std::span<const double> values, DType type) {
  switch (type) {
    case DType::f32:
      return narrowed<float>(values, [](double x) { return float(x); });
    case DType::f16:
      return narrowed<std::uint16_t>(values, saturated_half);
    case DType::u32:
      return narrowed<std::uint32_t>(values, [](double x) { return std::uint32_t(x); });
    case DType::u8:
      return narrowed<std::uint8_t>(values, [](double x) { return std::uint8_t(x); });
    default:
      fail("interpreter", "no device holds numbers of type {}", to_text(type));
  }
}

Numbers from_bytes(std::span<const std::byte> bytes, DType type) {
  const auto same = [](auto x) { return x; };
  switch (type) {
    case DType::f32:
      return widened<float>(bytes, same);
    case DType::f16:
      return widened<std::uint16_t>(bytes, float_from_half);
    case DType::u32:
      return widened<std::uint32_t>(bytes, same);
    case DType::u8:
      return widened<std::uint8_t>(bytes, same);
    default:
      fail("interpreter", "no device holds numbers of type {}", to_text(type));
  }
}

Difference worst_difference(std::span<const double> actual, const Answer& expected, DType type) {
  if (actual.size() != expected.values.size() || actual.size() != expected.errors.size()) {
    fail("interpreter", "{} numbers against {}", actual.size(), expected.values.size());
  }
  const bool half = type == DType::f16, single = type == DType::f32;
  const double relative = half ? 0x1p-11 : single ? kUnit : 0.0;
  const double smallest = half ? 0x1p-25 : single ? 0x1p-126 : 0.0;  // drivers may flush these
  Difference worst;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    const double right =
        half ? std::clamp(expected.values[i], -65504.0, 65504.0) : expected.values[i];
    const double allowed = expected.errors[i] + smallest + relative * std::abs(right);
    const double error = std::abs(actual[i] - right);
    const double ratio = error == 0.0        ? 0.0
                         : std::isnan(error) ? std::numeric_limits<double>::infinity()
                                             : error / allowed;
    if (i == 0 || ratio > worst.ratio) worst = {i, actual[i], right, allowed, ratio};
  }
  return worst;
}

ValueId Interpreter::find(std::string_view persistent) const {
  for (std::size_t i = 0; i < graph_.values().size(); ++i) {
    const Value& value = graph_.values()[i];
    if (value.kind == Value::Kind::persistent && value.name == persistent) return ValueId(i);
  }
  fail("interpreter", "{} has no persistent tensor '{}'", graph_.name(), persistent);
}

void Interpreter::write(std::string_view persistent, Numbers values) {
  write(find(persistent), std::move(values));
}

void Interpreter::write(ValueId id, Numbers values) {
  const Value& value = graph_.values().at(id);
  if (values.size() != value.shape.elements()) {
    fail("interpreter", "{} numbers for a tensor {}", values.size(), to_text(value.shape));
  }
  values_[id] = std::move(values);
}

const Numbers& Interpreter::values(ValueId id) const {
  const auto found = values_.find(id);
  if (found != values_.end()) return found->second;
  fail("interpreter", "value {} '{}' of {} holds nothing yet", id, graph_.values().at(id).name,
       graph_.name());
}

Numbers Interpreter::weight(const Value& value) const {
  const WeightData& data = graph_.weights()[value.weight];
  std::vector<std::byte> bytes(packed_elements({}, data.dims) * size_bytes(graph_.element()));
  pack(data, {}, graph_.element(), bytes);
  return from_bytes(bytes, graph_.element());
}

Answer Interpreter::answer(const Node& node) const {
  if (node.output == kNoValue) {
    fail(node.path, "{} writes tensors in place; the interpreter has no such operation",
         node.op->name());
  }
  std::vector<Numbers> weights;
  weights.reserve(node.inputs.size());  // addresses stay
  Task task{graph_, node, {}};
  for (const ValueId input : node.inputs) {
    const Value& value = graph_.values()[input];
    if (value.kind == Value::Kind::weight) {
      weights.push_back(weight(value));
      task.operands.push_back(&weights.back());
    } else {
      task.operands.push_back(&values(input));
    }
  }
  return reference::answer(task);
}

void Interpreter::run(std::span<const Node> nodes) {
  for (const Node& node : nodes) {
    Numbers values = answer(node).values;
    const DType type = graph_.values()[node.output].dtype;
    for (double& value : values) value = stored(value, type);
    write(node.output, std::move(values));
  }
}

}  // namespace kiln::reference
