// Samples of a problem: rows and outputs of a product, windows of a convolution, queries of an
// attention, groups of a norm.
#include <algorithm>
#include <numeric>

#include "apps/kiln/bench_problem.h"

namespace kiln::app {
namespace {

using Kind = BenchProblem::Kind;
using Indices = std::vector<std::uint64_t>;

// Up to `most` of 0 .. count - 1, rising: both ends, and others scattered between them.
Indices some(std::uint64_t count, std::uint64_t most) {
  Indices chosen;
  if (count <= most) {
    chosen.resize(count);
    std::iota(chosen.begin(), chosen.end(), 0u);
    return chosen;
  }
  chosen = {0, count - 1};
  const std::uint64_t part = count / most;
  for (std::uint64_t i = 0; i + 2 < most; ++i) {
    chosen.push_back(i * part + (i * 2654435761u >> 7) % part);
  }
  std::sort(chosen.begin(), chosen.end());
  chosen.erase(std::unique(chosen.begin(), chosen.end()), chosen.end());
  return chosen;
}

// Elements of a matrix [.., columns].
Indices elements(const Indices& rows, const Indices& columns, std::uint64_t width) {
  Indices result;
  result.reserve(rows.size() * columns.size());
  for (const std::uint64_t row : rows) {
    for (const std::uint64_t column : columns) result.push_back(row * width + column);
  }
  return result;
}

Indices all(std::uint64_t count) { return some(count, count); }

void keep_all_results(BenchSample& sample, const Indices& of_problem) {
  for (std::size_t i = 0; i < of_problem.size(); ++i) sample.results.push_back({i, of_problem[i]});
}

BenchSample linear_sample(const BenchProblem& problem) {
  const Shape x = problem.inputs[0];
  const std::uint32_t width = problem.output().channels;
  const Indices rows = some(x.rows(), 64), outputs = some(width, 64);
  BenchSample sample{.small = linear_problem(std::uint32_t(rows.size()),
                                             std::uint32_t(outputs.size()), x.channels)};
  const Indices inputs = all(x.channels);
  sample.operands = {elements(rows, inputs, x.channels), elements(outputs, inputs, x.channels),
                     outputs};
  keep_all_results(sample, elements(rows, outputs, width));
  return sample;
}

// The window of each chosen pixel becomes a picture of its own; what lies outside is zero.
BenchSample conv_sample(const BenchProblem& problem) {
  const Shape x = problem.inputs[0], y = problem.output();
  const std::uint32_t upscale = problem.upscaled ? 2 : 1;
  const auto kernel = std::uint32_t(problem.weights[0][2]);
  const std::uint32_t before = problem.pads_right_bottom ? 0 : (kernel - 1) / 2;
  // The pixel of the small picture whose window lies inside it whole, and where that begins.
  const std::uint32_t pixel = before == 0 ? 0 : 1, first = pixel * problem.stride - before;
  const Indices pixels = some(y.rows(), 24), outputs = some(y.channels, 48);
  const std::uint32_t side = first + kernel;
  BenchSample sample{.small = conv_problem({std::uint32_t(pixels.size()), side, side, x.channels},
                                           std::uint32_t(outputs.size()), kernel, problem.stride)};
  sample.small.pads_right_bottom = problem.pads_right_bottom;
  sample.operands.resize(3);
  const std::int64_t shift = std::int64_t(before) + first;
  for (const std::uint64_t row : pixels) {
    const std::uint64_t image = row / y.pixels(), at = row % y.pixels();
    for (std::uint32_t i = 0; i < side * side; ++i) {
      const std::int64_t v = std::int64_t(at / y.width * problem.stride + i / side) - shift;
      const std::int64_t u = std::int64_t(at % y.width * problem.stride + i % side) - shift;
      const bool inside = v >= 0 && u >= 0 && v < x.height * upscale && u < x.width * upscale;
      const std::uint64_t pixel_of_x =
          std::uint64_t(v) / upscale * x.width + std::uint64_t(u) / upscale;
      const std::uint64_t source = (image * x.pixels() + pixel_of_x) * x.channels;
      for (std::uint32_t c = 0; c < x.channels; ++c) {
        sample.operands[0].push_back(inside ? source + c : BenchSample::kZero);
      }
    }
  }
  const std::uint64_t taps = std::uint64_t(x.channels) * kernel * kernel;
  sample.operands[1] = elements(outputs, all(taps), taps);
  sample.operands[2] = outputs;
  const Shape small = sample.small.output();
  for (std::size_t p = 0; p < pixels.size(); ++p) {
    const std::uint64_t from = p * small.pixels() + pixel * small.width + pixel;
    for (std::size_t o = 0; o < outputs.size(); ++o) {
      sample.results.push_back({from * outputs.size() + o, pixels[p] * y.channels + outputs[o]});
    }
  }
  return sample;
}

BenchSample attention_sample(const BenchProblem& problem) {
  const Shape q = problem.inputs[0], k = problem.inputs[1];
  const std::uint32_t head = q.channels / problem.heads;
  // A causal mask goes by the number of the query.
  const Indices queries = some(q.pixels(), problem.causal ? q.pixels() : 24);
  const Indices heads = some(problem.heads, 4), columns = elements(heads, all(head), head);
  const auto width = std::uint32_t(columns.size());
  BenchSample sample{.small = attention_problem({q.batch, 1, std::uint32_t(queries.size()), width},
                                                k.pixels(), std::uint32_t(heads.size()))};
  sample.small.causal = problem.causal;
  Indices rows;
  for (std::uint64_t image = 0; image < q.batch; ++image) {
    for (const std::uint64_t query : queries) rows.push_back(image * q.pixels() + query);
  }
  const Indices keys = elements(all(k.rows()), columns, k.channels);
  sample.operands = {elements(rows, columns, q.channels), keys, keys};
  keep_all_results(sample, sample.operands[0]);
  return sample;
}

BenchSample group_norm_sample(const BenchProblem& problem) {
  const Shape x = problem.inputs[0];
  const std::uint32_t width = x.channels / problem.groups;
  const Indices groups = some(problem.groups, 2), channels = elements(groups, all(width), width);
  const Indices images = some(x.batch, 2);
  const Shape small{std::uint32_t(images.size()), x.height, x.width,
                    std::uint32_t(channels.size())};
  BenchSample sample{.small = norm_problem(Kind::group_norm, small, problem.silu_after)};
  sample.small.groups = std::uint32_t(groups.size());
  const Indices rows = elements(images, all(x.pixels()), x.pixels());
  sample.operands = {elements(rows, channels, x.channels), channels, channels};
  keep_all_results(sample, sample.operands[0]);
  return sample;
}

BenchSample upsample_sample(const BenchProblem& problem) {
  const Shape x = problem.inputs[0], y = problem.output();
  const Indices channels = some(x.channels, 4);
  BenchSample sample{.small = problem};
  sample.small.inputs[0].channels = std::uint32_t(channels.size());
  sample.operands = {elements(all(x.rows()), channels, x.channels)};
  keep_all_results(sample, elements(all(y.rows()), channels, y.channels));
  return sample;
}

// Layer norms and elementwise operations: whole rows.
BenchSample row_sample(const BenchProblem& problem) {
  const Indices rows = some(problem.inputs[0].rows(), 64);
  BenchSample sample{.small = problem};
  for (Shape& input : sample.small.inputs) {
    sample.operands.push_back(elements(rows, all(input.channels), input.channels));
    input = {1, 1, std::uint32_t(rows.size()), input.channels};
  }
  for (const auto& weight : problem.weights) {
    sample.operands.push_back(all(std::uint64_t(weight[0])));
  }
  const std::uint32_t width = problem.output().channels;
  keep_all_results(sample, elements(rows, all(width), width));
  return sample;
}

}  // namespace

BenchSample bench_sample(const BenchProblem& problem) {
  switch (problem.kind) {
    case Kind::linear:
      return linear_sample(problem);
    case Kind::conv:
      return conv_sample(problem);
    case Kind::attention:
      return attention_sample(problem);
    case Kind::group_norm:
      return group_norm_sample(problem);
    case Kind::upsample:
      return upsample_sample(problem);
    default:
      return row_sample(problem);
  }
}

}  // namespace kiln::app
