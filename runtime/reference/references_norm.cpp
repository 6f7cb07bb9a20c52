// The references of normalizations, and how far float32 may be off.
#include <cmath>

#include "runtime/reference/group_norm.h"
#include "runtime/reference/references.h"

namespace kiln::reference {
namespace {

// x - mean rounds by the size of both; mean and variance are sums over the group.
Answer normalized(const Task& task, const Shape& shape, std::size_t groups) {
  const double epsilon = task.parameter("epsilon");
  const Numbers &x = task.input(0), &scale = task.input(1), &shift = task.input(2);
  Answer result{group_norm(x, shape, scale, shift, groups, epsilon), Numbers(x.size())};
  const Numbers one(shape.channels, 1.0), none(shape.channels, 0.0);
  const Numbers plain = group_norm(x, shape, one, none, groups, epsilon);
  const std::size_t width = shape.channels / groups;
  const double count = double(width) * shape.pixels();
  const double units = 8.0 + std::sqrt(count) / 8.0;
  for (std::size_t image = 0; image < shape.batch; ++image) {
    for (std::size_t group = 0; group < groups; ++group) {
      // The group's deviation, from two of its elements: the factor is the slope of plain over x.
      double greatest = 0.0, least_x = x[image * shape.pixels() * shape.channels + group * width];
      double most_x = least_x, least = 0.0, most = 0.0;
      const auto each = [&](auto visit) {
        for (std::size_t p = 0; p < shape.pixels(); ++p) {
          const std::size_t row = (image * shape.pixels() + p) * shape.channels + group * width;
          for (std::size_t i = row; i < row + width; ++i) visit(i, group * width + i - row);
        }
      };
      bool first = true;
      each([&](std::size_t i, std::size_t) {
        greatest = std::max(greatest, std::abs(x[i]));
        if (first || x[i] < least_x) least_x = x[i], least = plain[i];
        if (first || x[i] > most_x) most_x = x[i], most = plain[i];
        first = false;
      });
      const double factor =
          most_x > least_x ? (most - least) / (most_x - least_x) : 1.0 / std::sqrt(epsilon);
      each([&](std::size_t i, std::size_t c) {
        result.errors[i] = kUnit * (units * (std::abs(plain[i]) + 1.0) + 4.0 * greatest * factor) *
                               std::abs(scale[c]) +
                           kUnit * std::abs(shift[c]);
      });
    }
  }
  return result;
}

}  // namespace

Answer group_norm(const Task& task) {
  Answer result = normalized(task, task.output_shape(), task.count("groups"));
  activate(result, task.count("activation"));
  return result;
}

Answer layer_norm(const Task& task) {
  const Shape shape = task.output_shape();
  return normalized(task, {shape.rows(), 1, 1, shape.channels}, 1);
}

}  // namespace kiln::reference
