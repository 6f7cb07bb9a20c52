// The reference of attention, and how far an online softmax in float32 may be off.
#include <algorithm>
#include <cmath>

#include "runtime/reference/attention.h"
#include "runtime/reference/elementwise.h"
#include "runtime/reference/references.h"

namespace kiln::reference {
namespace {

// The greatest length of a head's part of a row: |q k| is at most the product of two of these.
double greatest_length(const Numbers& x, std::size_t head) {
  double greatest = 0.0;
  for (std::size_t first = 0; first + head <= x.size(); first += head) {
    double squares = 0.0;
    for (std::size_t c = first; c < first + head; ++c) squares += x[c] * x[c];
    greatest = std::max(greatest, squares);
  }
  return std::sqrt(greatest);
}

struct Operands {
  const Numbers &q, &k, &v;
  Shape q_shape, k_shape;
};

// The first, second or last third of each row.
Numbers third(const Numbers& rows, const Shape& shape, std::size_t part) {
  const std::size_t row = shape.channels, width = row / 3;
  Numbers result;
  result.reserve(rows.size() / 3);
  for (std::size_t first = part * width; first < rows.size(); first += row) {
    const auto begin = rows.begin() + std::ptrdiff_t(first);
    result.insert(result.end(), begin, begin + std::ptrdiff_t(width));
  }
  return result;
}

// The result errs by at most the relative error of a softmax weight times the average size of the
// values: of the score (d roundings, two units a root), of exp as Vulkan allows it, 3 + 2 |x|
// units of 2^-23 for a distance |x| of two scores, and of the sums over keys. Among 16-bit operands
// a weight may be held in 16 bits too: truncated, and small ones to multiples of 2^-24.
Answer answer_of(const Task& task, const Operands& of) {
  const std::size_t heads = task.count("heads");
  const bool causal = task.parameter("causal") != 0.0;
  const std::size_t head = of.q_shape.channels / heads;
  const Numbers sizes = map(of.v, [](double value) { return std::abs(value); });
  Answer result{
      attention(of.q, of.q_shape, of.k, of.v, of.k_shape, heads, causal),
      attention(of.q, of.q_shape, of.k, sizes, of.k_shape, heads, causal),
  };
  const double score =
      greatest_length(of.q, head) * greatest_length(of.k, head) / std::sqrt(double(head));
  const double products = 2.0 * kUnit * score * (2.0 + 2.0 * std::sqrt(double(head)));
  const double exponential = 2.0 * kUnit * (3.0 + 2.0 * 2.0 * score);
  const double sums = kUnit * (4.0 + 4.0 * std::sqrt(double(of.k_shape.pixels())));
  const bool half = task.value(0).dtype == DType::f16;
  const double weights = half ? 0x1p-10 + 0x1p-24 * double(of.k_shape.pixels()) : 0.0;
  for (double& error : result.errors) error *= products + exponential + sums + weights;
  return result;
}

}  // namespace

Answer attention(const Task& task) {
  return answer_of(task,
                   {task.input(0), task.input(1), task.input(2), task.shape(0), task.shape(1)});
}

Answer self_attention(const Task& task) {
  const Numbers q = third(task.input(0), task.shape(0), 0);
  const Numbers k = third(task.input(0), task.shape(0), 1);
  const Numbers v = third(task.input(0), task.shape(0), 2);
  return answer_of(task, {q, k, v, task.output_shape(), task.output_shape()});
}

}  // namespace kiln::reference
