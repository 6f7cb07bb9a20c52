// What each kind of problem is called, counts, and records; its random operands.
#include "apps/kiln/bench_problem.h"

#include <fmt/format.h>

#include <cmath>

#include "runtime/ops/ops.h"

namespace kiln::app {
namespace {

using Kind = BenchProblem::Kind;

constexpr std::uint32_t product_kernel(const BenchProblem& problem) {
  return problem.weights[0].size() == 4 ? std::uint32_t(problem.weights[0][2]) : 1;
}

std::uint64_t count(const std::vector<std::int64_t>& dims) {
  std::uint64_t elements = 1;
  for (const std::int64_t extent : dims) elements *= std::uint64_t(extent);
  return elements;
}

std::string_view word(Kind kind) {
  switch (kind) {
    case Kind::linear:
      return "linear";
    case Kind::conv:
      return "conv";
    case Kind::attention:
      return "attention";
    case Kind::group_norm:
      return "group_norm";
    case Kind::layer_norm:
      return "layer_norm";
    case Kind::geglu:
      return "geglu";
    case Kind::silu:
      return "silu";
    case Kind::add:
      return "add";
    case Kind::concat:
      return "concat";
    case Kind::upsample:
      return "upsample";
  }
  return "?";
}

Tensor doubled(Tensor x, std::string_view path) {
  return upsample_nearest(x, 2 * x.shape().height, 2 * x.shape().width, path);
}

// The finaliser of SplitMix64 (Steele, Lea, Flood 2014).
constexpr std::uint64_t scrambled(std::uint64_t value) {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
  return value ^ (value >> 31);
}

}  // namespace

std::string BenchProblem::name() const {
  const Shape x = inputs[0];
  switch (kind) {
    case Kind::linear:
      return fmt::format("{}x{}x{}", x.rows(), output().channels, x.channels);
    case Kind::conv: {
      const std::uint32_t kernel = product_kernel(*this);
      return fmt::format("{}->{}{}{}{}{}", to_text(x), output().channels, kernel == 1 ? " k1" : "",
                         stride == 2 ? " s2" : "", upscaled ? " up2" : "",
                         pads_right_bottom ? " right_bottom" : "");
    }
    case Kind::attention:
      return fmt::format("{}x{}x{}x{}x{}{}", x.batch, heads, x.pixels(), inputs[1].pixels(),
                         x.channels / heads, causal ? " causal" : "");
    case Kind::concat:
      return fmt::format("concat {}+{}", to_text(x), inputs[1].channels);
    default:
      return fmt::format("{} {}{}", word(kind), to_text(x), silu_after ? " silu" : "");
  }
}

std::string_view BenchProblem::group() const {
  switch (kind) {
    case Kind::linear:
      return "matmul";
    case Kind::conv:
      return product_kernel(*this) == 1 ? "matmul" : "conv";
    case Kind::attention:
      return "attention";
    case Kind::group_norm:
    case Kind::layer_norm:
      return "norm";
    default:
      return "elementwise";
  }
}

Shape BenchProblem::output() const {
  const Shape x = inputs[0];
  switch (kind) {
    case Kind::linear:
      return x.with_channels(std::uint32_t(weights[0][0]));
    case Kind::conv: {
      if (upscaled) return {x.batch, 2 * x.height, 2 * x.width, std::uint32_t(weights[0][0])};
      const std::uint32_t more = pads_right_bottom ? 0 : stride - 1;
      return {x.batch, (x.height + more) / stride, (x.width + more) / stride,
              std::uint32_t(weights[0][0])};
    }
    case Kind::geglu:
      return x.with_channels(x.channels / 2);
    case Kind::concat:
      return x.with_channels(x.channels + inputs[1].channels);
    case Kind::upsample:
      return {x.batch, 2 * x.height, 2 * x.width, x.channels};
    default:
      return x;
  }
}

std::uint64_t BenchProblem::flops() const {
  if (kind == Kind::linear || kind == Kind::conv) {
    return 2 * std::uint64_t(output().rows()) * count(weights[0]);
  }
  if (kind == Kind::attention) {
    const std::uint64_t pairs = std::uint64_t(inputs[0].rows()) * inputs[1].pixels();
    return 4 * pairs * inputs[0].channels / (causal ? 2 : 1);
  }
  return 0;
}

std::uint64_t BenchProblem::bytes(DType element) const {
  std::uint64_t elements = output().elements();
  for (const Shape& input : inputs) elements += input.elements();
  for (const auto& weight : weights) elements += count(weight);
  return elements * size_bytes(element);
}

Tensor BenchProblem::record(const std::vector<Tensor>& x, const std::vector<Tensor>& w,
                            std::string_view path) const {
  switch (kind) {
    case Kind::linear:
      return linear(x[0], w[0], w[1], path);
    case Kind::conv: {
      const auto padding =
          pads_right_bottom ? Conv2d::Padding::right_bottom : Conv2d::Padding::same;
      const Tensor from = upscaled ? doubled(x[0], path) : x[0];
      return conv2d(from, w[0], w[1], {.stride = stride, .padding = padding}, path);
    }
    case Kind::attention:
      return attention(x[0], x[1], x[2], heads, causal, path);
    case Kind::group_norm: {
      const Tensor y = group_norm(x[0], w[0], w[1], groups, 1e-5f, path);
      return silu_after ? silu(y, path) : y;
    }
    case Kind::layer_norm:
      return layer_norm(x[0], w[0], w[1], 1e-5f, path);
    case Kind::geglu:
      return geglu(x[0], path);
    case Kind::silu:
      return silu(x[0], path);
    case Kind::add:
      return add(x[0], x[1], path);
    case Kind::concat:
      return concat(x[0], x[1], path);
    case Kind::upsample:
      return doubled(x[0], path);
  }
  return {};
}

BenchProblem linear_problem(std::uint32_t rows, std::uint32_t outputs, std::uint32_t inputs) {
  return {.kind = Kind::linear,
          .inputs = {{1, 1, rows, inputs}},
          .weights = {{outputs, inputs}, {outputs}}};
}

BenchProblem conv_problem(Shape x, std::uint32_t outputs, std::uint32_t kernel,
                          std::uint32_t stride) {
  return {.kind = Kind::conv,
          .inputs = {x},
          .weights = {{outputs, x.channels, kernel, kernel}, {outputs}},
          .stride = stride};
}

BenchProblem attention_problem(Shape x, std::uint32_t keys, std::uint32_t heads) {
  const Shape context{x.batch, 1, keys, x.channels};
  return {.kind = Kind::attention, .inputs = {x, context, context}, .heads = heads};
}

BenchProblem norm_problem(Kind kind, Shape x, bool silu_after) {
  return {.kind = kind,
          .inputs = {x},
          .weights = {{x.channels}, {x.channels}},
          .silu_after = silu_after};
}

BenchProblem elementwise_problem(Kind kind, Shape x, std::uint32_t other_channels) {
  BenchProblem problem{.kind = kind, .inputs = {x}};
  if (kind == Kind::add) problem.inputs.push_back(x);
  if (kind == Kind::concat) problem.inputs.push_back(x.with_channels(other_channels));
  return problem;
}

float bench_value(const BenchProblem& problem, std::size_t operand, std::uint64_t index) {
  const std::uint64_t bits = scrambled(scrambled(operand + 1) + (index + 1) * 0x9e3779b97f4a7c15u);
  // The sum of four uniform numbers of 16 bits (Irwin and Hall) has a variance of a third.
  const std::uint64_t sum =
      (bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48);
  const float normal = (float(sum) - 131070.0f) * (1.7320508f / 65536.0f);
  if (operand < problem.inputs.size()) return normal;
  const std::vector<std::int64_t>& dims = problem.weights[operand - problem.inputs.size()];
  if (dims.size() < 2) return normal;
  return normal / std::sqrt(float(count(dims)) / float(dims[0]));
}

}  // namespace kiln::app
