// Layers: ask the checkpoint for tensors of the expected shape, record the operation.
#include "models/nn/layers.h"

namespace kiln {
namespace {

Tensor weight(Tensor x, const Weights& w, std::string_view name, std::vector<std::int64_t> dims) {
  return w.tensor(x.graph(), name, std::move(dims));
}

}  // namespace

Tensor mark(Tensor x, const Weights& w) { return x.graph().mark(x, w.path()); }

Tensor linear(Tensor x, std::uint32_t channels, const Weights& w) {
  const Tensor matrix = weight(x, w, "weight", {channels, x.channels()});
  return mark(linear(x, matrix, weight(x, w, "bias", {channels}), w.path()), w);
}

Tensor linear_without_bias(Tensor x, std::uint32_t channels, const Weights& w) {
  const Tensor matrix = weight(x, w, "weight", {channels, x.channels()});
  return mark(linear(x, matrix, Tensor(), w.path()), w);
}

Tensor conv3x3(Tensor x, std::uint32_t channels, const Weights& w, Conv2d shape) {
  const Tensor kernel = weight(x, w, "weight", {channels, x.channels(), 3, 3});
  return mark(conv2d(x, kernel, weight(x, w, "bias", {channels}), shape, w.path()), w);
}

Tensor conv1x1(Tensor x, std::uint32_t channels, const Weights& w) {
  const Tensor kernel = weight(x, w, "weight", {channels, x.channels(), 1, 1});
  return mark(conv2d(x, kernel, weight(x, w, "bias", {channels}), {}, w.path()), w);
}

Tensor group_norm(Tensor x, std::uint32_t groups, float epsilon, const Weights& w) {
  const Tensor scale = weight(x, w, "weight", {x.channels()});
  const Tensor shift = weight(x, w, "bias", {x.channels()});
  return mark(group_norm(x, scale, shift, groups, epsilon, w.path()), w);
}

Tensor layer_norm(Tensor x, float epsilon, const Weights& w) {
  const Tensor scale = weight(x, w, "weight", {x.channels()});
  const Tensor shift = weight(x, w, "bias", {x.channels()});
  return mark(layer_norm(x, scale, shift, epsilon, w.path()), w);
}

Tensor attention(Tensor x, Tensor context, std::uint32_t heads, const Weights& w, bool bias_in,
                 bool causal, const AttentionNames& names) {
  const auto project = [&](std::string_view name) {
    return bias_in ? linear(context, x.channels(), w[name])
                   : linear_without_bias(context, x.channels(), w[name]);
  };
  const Tensor keys = project(names.k);
  const Tensor values = project(names.v);
  return attention_to(x, keys, values, heads, w, bias_in, causal, names);
}

Tensor attention_to(Tensor x, Tensor keys, Tensor values, std::uint32_t heads, const Weights& w,
                    bool bias_in, bool causal, const AttentionNames& names) {
  const Tensor q = bias_in ? linear(x, x.channels(), w[names.q])
                           : linear_without_bias(x, x.channels(), w[names.q]);
  const Tensor mixed = attention(q, keys, values, heads, causal, w.path());
  return mark(linear(mixed, x.channels(), w[names.out]), w);
}

}  // namespace kiln
