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

}  // namespace

// The result errs by at most the relative error of a softmax weight times the average size of the
// values: of the score (d roundings, two units a root), of exp as Vulkan allows it, 3 + 2 |x|
// units of 2^-23 for a distance |x| of two scores, and of the sums over keys. Among 16-bit operands
// a weight may be held in 16 bits too: truncated, and small ones to multiples of 2^-24.
Answer attention(const Task& task) {
  const std::size_t heads = task.count("heads");
  const bool causal = task.parameter("causal") != 0.0;
  const Shape q = task.shape(0), k = task.shape(1);
  const std::size_t head = q.channels / heads;
  const Numbers sizes = map(task.input(2), [](double value) { return std::abs(value); });
  Answer result{
      attention(task.input(0), q, task.input(1), task.input(2), k, heads, causal),
      attention(task.input(0), q, task.input(1), sizes, k, heads, causal),
  };
  const double score = greatest_length(task.input(0), head) * greatest_length(task.input(1), head) /
                       std::sqrt(double(head));
  const double products = 2.0 * kUnit * score * (2.0 + 2.0 * std::sqrt(double(head)));
  const double exponential = 2.0 * kUnit * (3.0 + 2.0 * 2.0 * score);
  const double sums = kUnit * (4.0 + 4.0 * std::sqrt(double(k.pixels())));
  const bool half = task.value(0).dtype == DType::f16;
  const double weights = half ? 0x1p-10 + 0x1p-24 * double(k.pixels()) : 0.0;
  for (double& error : result.errors) error *= products + exponential + sums + weights;
  return result;
}

}  // namespace kiln::reference
