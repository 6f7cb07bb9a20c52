// Layers: ask the checkpoint for tensors of the expected shape, record the operation.
#include "models/nn/layers.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <string>
#include <vector>

namespace kiln {
namespace {

// Every device binds that much: the least maxStorageBufferRange of Vulkan.
constexpr std::uint64_t kLeastBinding = 1ull << 27;

Tensor weight(Tensor x, const Weights& w, std::string_view name, std::vector<std::int64_t> dims) {
  return w.tensor(x.graph(), name, std::move(dims));
}

// Rows [q | k | v] of x in one product. The parts are marked where someone watches them.
Tensor project_thrice(Tensor x, const Weights& w, bool with_bias, const AttentionNames& names) {
  const std::uint32_t channels = x.channels();
  const std::array<std::string_view, 3> parts{names.q, names.k, names.v};
  std::vector<std::string> weights, biases;
  for (const std::string_view part : parts) {
    weights.push_back(fmt::format("{}.weight", part));
    biases.push_back(fmt::format("{}.bias", part));
  }
  Graph& graph = x.graph();
  const Tensor matrix = w.stacked(graph, weights, {channels, channels});
  const Tensor bias = with_bias ? w.stacked(graph, biases, {channels}) : Tensor();
  const Tensor qkv = linear(x, matrix, bias, fmt::format("{}.{}", w.path(), fmt::join(parts, "+")));
  for (std::uint32_t i = 0; i < 3; ++i) {
    const std::string path = w[parts[i]].path();
    if (graph.is_watched(path)) graph.mark(slice_channels(qkv, i * channels, channels, path), path);
  }
  return qkv;
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

Tensor mix_tokens(Tensor x, std::uint32_t heads, const Weights& w, bool bias_in, bool causal,
                  const AttentionNames& names) {
  const auto project = [&](std::string_view name) {
    return bias_in ? linear(x, x.channels(), w[name])
                   : linear_without_bias(x, x.channels(), w[name]);
  };
  const std::uint64_t stacked_bytes = 3 * x.shape().elements() * size_bytes(x.dtype());
  if (x.graph().stacks_projections() && stacked_bytes <= kLeastBinding) {
    return self_attention(project_thrice(x, w, bias_in, names), heads, causal, w.path());
  }
  const Tensor q = project(names.q), k = project(names.k), v = project(names.v);
  return attention(q, k, v, heads, causal, w.path());
}

Tensor self_attention(Tensor x, std::uint32_t heads, const Weights& w, bool bias_in, bool causal,
                      const AttentionNames& names) {
  const Tensor mixed = mix_tokens(x, heads, w, bias_in, causal, names);
  return mark(linear(mixed, x.channels(), w[names.out]), w);
}

Tensor attention_to(Tensor x, Tensor keys, Tensor values, std::uint32_t heads, const Weights& w,
                    const AttentionNames& names) {
  const Tensor q = linear_without_bias(x, x.channels(), w[names.q]);
  const Tensor mixed = attention(q, keys, values, heads, false, w.path());
  return mark(linear(mixed, x.channels(), w[names.out]), w);
}

}  // namespace kiln
