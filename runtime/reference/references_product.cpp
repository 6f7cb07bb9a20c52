// The reference of linear layers and convolutions, and how far a float32 sum may be off.
#include <cmath>

#include "runtime/reference/elementwise.h"
#include "runtime/reference/product.h"
#include "runtime/reference/references.h"

namespace kiln::reference {
namespace {

Numbers sizes(const Numbers& x) {
  return map(x, [](double value) { return std::abs(value); });
}

// Winograd's kernels transform weights first and round the result to their storage type once more,
// by up to 2^-11: n independent errors, which are to the sum of sizes like 1 to sqrt(n), of which
// inputs and weights are sums of four and of nine; eight covers both transforms and six standard
// deviations.
double rounding_of_weights(const Task& task, const Convolution& form, double terms) {
  const bool is_half = task.graph.values()[task.node.output].dtype == DType::f16;
  return is_half && form.kernel == 3 && form.stride == 1 ? 8.0 * 0x1p-11 / std::sqrt(terms) : 0.0;
}

}  // namespace

// A sum of n products rounds n times, by half a unit of a partial sum, which is at most the sum of
// sizes: independent errors, six standard deviations.
Answer product(const Task& task) {
  const Convolution form{.x = task.shape(0),
                         .y = task.output_shape(),
                         .kernel = task.count("kernel"),
                         .stride = task.count("stride"),
                         .before = task.count("padding"),
                         .upscale = task.count("upscale")};
  const Numbers& weight = task.input(1);
  const Numbers bias = task.parameter("bias") != 0.0 ? task.input(2) : Numbers{};
  Answer result{conv2d(form, task.input(0), weight, bias),
                conv2d(form, sizes(task.input(0)), sizes(weight), sizes(bias))};
  if (const std::size_t addend = task.count("addend"); addend != 0) {
    const Numbers& added = task.input(addend);
    result.values = add(result.values, form.y, added);
    result.errors = add(result.errors, form.y, sizes(added));
  }
  const double terms = double(form.x.channels * form.kernel * form.kernel + 2);
  const double relative =
      kUnit * (2.0 + 2.0 * std::sqrt(terms)) + rounding_of_weights(task, form, terms);
  for (double& error : result.errors) error *= relative;
  activate(result, task.count("activation"));
  return result;
}

}  // namespace kiln::reference
