// The tape: values, nodes and weights in the order a model function made them.
#include "runtime/graph/graph.h"

#include <algorithm>
#include <utility>

#include "runtime/base/error.h"

namespace kiln {

const Shape& Tensor::shape() const { return graph_->values()[id_].shape; }
DType Tensor::dtype() const { return graph_->values()[id_].dtype; }

const std::string& Tensor::path() const {
  static const std::string kNone;
  const Value& value = graph_->values()[id_];
  if (value.producer >= graph_->nodes().size()) return value.name.empty() ? kNone : value.name;
  return graph_->nodes()[value.producer].path;
}

bool Op::absorb(const Node&, ValueId, std::vector<ValueId>&) { return false; }

Graph::Graph(std::string name, DType element) : name_(std::move(name)), element_(element) {
  if (element != DType::f32 && element != DType::f16) {
    fail(name_, "element type {} cannot be computed with; use F32 or F16", to_text(element));
  }
}

ValueId Graph::add_value(Value value) {
  values_.push_back(std::move(value));
  return ValueId(values_.size() - 1);
}

ValueId Graph::check_mine(const Tensor& tensor, std::string_view what) const {
  if (!tensor || &tensor.graph() != this || tensor.id() >= values_.size()) {
    fail(name_, "{} got a tensor that is not of this graph", what);
  }
  return tensor.id();
}

Tensor Graph::persistent(std::string_view name, Shape shape, DType dtype, Traffic traffic) {
  if (const auto found = persistent_.find(name); found != persistent_.end()) {
    const Value& value = values_[found->second];
    if (value.shape != shape || value.dtype != dtype) {
      fail(name_, "persistent tensor '{}' is {} {}, asked for as {} {}", name,
           kiln::to_text(value.shape), kiln::to_text(value.dtype), kiln::to_text(shape),
           kiln::to_text(dtype));
    }
    return Tensor(*this, found->second);
  }
  const ValueId id = add_value({.kind = Value::Kind::persistent,
                                .shape = shape,
                                .dtype = dtype,
                                .name = std::string(name),
                                .traffic = traffic});
  persistent_.emplace(name, id);
  return Tensor(*this, id);
}

Tensor Graph::constant(WeightData data) {
  if (const auto found = constant_.find(data.name); found != constant_.end()) {
    if (weights_[values_[found->second].weight].dims != data.dims) {
      fail(name_, "weight '{}' is used with two different shapes", data.name);
    }
    return Tensor(*this, found->second);
  }
  std::uint64_t elements = 1;
  for (const std::int64_t extent : data.dims) elements *= std::uint64_t(extent);
  const ValueId id = add_value({.kind = Value::Kind::weight,
                                .shape = {1, 1, 1, std::uint32_t(elements)},
                                .dtype = element_,
                                .name = data.name,
                                .weight = std::uint32_t(weights_.size())});
  constant_.emplace(data.name, id);
  weights_.push_back(std::move(data));
  return Tensor(*this, id);
}

const std::vector<std::int64_t>& Graph::dims_of(Tensor weight) const {
  const Value& value = values_[check_mine(weight, "dims_of")];
  if (value.kind != Value::Kind::weight) fail(name_, "'{}' is no weight", weight.path());
  return weights_[value.weight].dims;
}

Tensor Graph::record(std::unique_ptr<Op> op, std::vector<Tensor> inputs, Shape shape, DType dtype,
                     std::string_view path) {
  const ValueId output = add_value({.shape = shape, .dtype = dtype});
  record_effect(std::move(op), std::move(inputs), path);
  nodes_.back().output = output;
  values_[output].producer = std::uint32_t(nodes_.size() - 1);
  return Tensor(*this, output);
}

void Graph::record_effect(std::unique_ptr<Op> op, std::vector<Tensor> inputs,
                          std::string_view path) {
  Node node{.op = std::move(op), .inputs = {}, .path = std::string(path)};
  if (node.path.empty() && !inputs.empty() && inputs.front()) node.path = inputs.front().path();
  for (const Tensor& input : inputs) node.inputs.push_back(check_mine(input, node.op->name()));
  nodes_.push_back(std::move(node));
}

Tensor Graph::keep(Tensor tensor, std::string_view name, Traffic traffic) {
  const ValueId id = check_mine(tensor, "keep");
  Value& value = values_[id];
  const bool watched = std::any_of(taps_.begin(), taps_.end(),
                                   [&](const Tap& tap) { return tap.persistent == value.name; });
  if (value.kind != Value::Kind::transient && !watched) {
    fail(name_, "cannot keep '{}' as '{}': only the result of a node can be kept", value.name,
         name);
  }
  if (persistent_.contains(name)) fail(name_, "persistent tensor '{}' exists already", name);
  for (Tap& tap : taps_) {
    if (watched && tap.persistent == value.name) tap.persistent = std::string(name);
  }
  if (watched) persistent_.erase(value.name);
  value.kind = Value::Kind::persistent;
  value.name = std::string(name);
  value.traffic = watched ? Traffic::host_reads : traffic;
  persistent_.emplace(name, id);
  return tensor;
}

Tensor Graph::mark(Tensor tensor, std::string_view path) {
  const ValueId id = check_mine(tensor, "mark");
  if (!watch_ || !watch_(path)) return tensor;
  if (values_[id].kind == Value::Kind::transient) {
    keep(tensor, name_ + ".tap/" + std::string(path), Traffic::host_reads);
  }
  taps_.push_back({std::string(path), values_[id].name, values_[id].shape});
  return tensor;
}

}  // namespace kiln
