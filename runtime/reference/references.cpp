// The references of simple operations, and the table of all.
#include "runtime/reference/references.h"

#include <algorithm>
#include <cmath>

#include "runtime/base/error.h"
#include "runtime/ops/elementwise.h"
#include "runtime/reference/channels.h"
#include "runtime/reference/elementwise.h"
#include "runtime/reference/embedding.h"
#include "runtime/reference/geglu.h"
#include "runtime/reference/image.h"

namespace kiln::reference {

double Task::parameter(std::string_view name) const {
  for (const Parameter& parameter : node.op->parameters()) {
    if (parameter.name == name) return parameter.value;
  }
  fail(node.path, "{} says nothing of its parameter '{}' (Op::parameters)", node.op->name(), name);
}

double activated(double x, std::uint32_t activation) {
  switch (Unary::Function(activation)) {
    case Unary::Function::silu:
      return silu(x);
    case Unary::Function::gelu:
      return gelu(x);
    case Unary::Function::quick_gelu:
      return quick_gelu(x);
    case Unary::Function::scale:
      break;
  }
  return x;
}

// Their slopes stay below 1.13. The exponential of a size |x| errs by 3 + 2 |x| units (Vulkan's
// promise), but counts only where the sigmoid is not flat: 16 units of the larger of |x| and 1.
constexpr double kSteepest = 1.13, kActivationUnits = 16.0;

void activate(Answer& answer, std::uint32_t activation) {
  if (activation == 0) return;
  for (std::size_t i = 0; i < answer.values.size(); ++i) {
    const double x = answer.values[i];
    answer.values[i] = activated(x, activation);
    answer.errors[i] =
        kSteepest * answer.errors[i] + kActivationUnits * kUnit * std::max(1.0, std::abs(x));
  }
}

namespace {

// No arithmetic, or one rounded operation, which counts with the rounding to the storage type.
Answer exact(Numbers values) {
  Answer result{std::move(values), {}};
  result.errors.assign(result.values.size(), 0.0);
  return result;
}

// One float32 operation before the result is stored.
Answer rounded_once(Numbers values) {
  Answer result = exact(std::move(values));
  for (std::size_t i = 0; i < result.values.size(); ++i) {
    result.errors[i] = kUnit * std::abs(result.values[i]);
  }
  return result;
}

template <Unary::Function function>
Answer unary(const Task& task) {
  Answer result = exact(task.input(0));
  activate(result, std::uint32_t(function));
  return result;
}

Answer scaled(const Task& task) {
  const double factor = task.parameter("factor");
  return rounded_once(map(task.input(0), [&](double x) { return x * factor; }));
}

Answer sum(const Task& task) {
  return rounded_once(add(task.input(0), task.shape(0), task.input(1)));
}

Answer gated(const Task& task) {
  const std::size_t channels = task.output_shape().channels;
  const Numbers& x = task.input(0);
  Answer result = exact(geglu(x, channels));
  for (std::size_t i = 0; i < result.values.size(); ++i) {
    const std::size_t value = i / channels * 2 * channels + i % channels;
    result.errors[i] = 2 * kActivationUnits * kUnit * std::abs(x[value]) *
                       std::max(1.0, std::abs(x[value + channels]));
  }
  return result;
}

Answer upsampled(const Task& task) {
  const Shape y = task.output_shape();
  return exact(upsample_nearest(task.input(0), task.shape(0), y.height, y.width));
}

Answer joined(const Task& task) {
  return exact(
      concat(task.input(0), task.shape(0).channels, task.input(1), task.shape(1).channels));
}

Answer sliced(const Task& task) {
  return exact(slice_channels(task.input(0), task.shape(0).channels, task.count("first"),
                              task.output_shape().channels));
}

// Images lie one behind the other: channels of one long row.
Answer joined_images(const Task& task) {
  return exact(concat(task.input(0), task.input(0).size(), task.input(1), task.input(1).size()));
}

Answer sliced_images(const Task& task) {
  const std::size_t image = task.input(0).size() / task.shape(0).batch;
  return exact(slice_channels(task.input(0), task.input(0).size(), image * task.count("first"),
                              image * task.output_shape().batch));
}

Answer tokens(const Task& task) {
  const std::vector<std::uint32_t> ids(task.input(0).begin(), task.input(0).end());
  const Shape y = task.output_shape();
  return rounded_once(token_embedding(ids, task.input(1), task.input(2), y.pixels(), y.channels));
}

Answer timesteps(const Task& task) {
  const std::vector<float> values(task.input(0).begin(), task.input(0).end());
  const std::size_t count = task.output_shape().elements() / values.size();
  Answer result = exact(timestep_embedding(values, count));
  // Sine and cosine are ours, right to 2^-23; the angle is rounded as the reference rounds it.
  result.errors.assign(result.errors.size(), 5 * kUnit);
  return result;
}

// Bytes are exact but for numbers so near the middle of two bytes that float32 may fall on either
// side.
Answer bytes(const Task& task) {
  Answer result = exact(map(task.input(0), [](double x) { return double(to_byte(x)); }));
  for (std::size_t i = 0; i < result.values.size(); ++i) {
    const double scaled = std::clamp(task.input(0)[i] / 2 + 0.5, 0.0, 1.0) * 255.0;
    const double from_middle = std::abs(std::abs(scaled - result.values[i]) - 0.5);
    if (from_middle < 4 * kUnit * 256.0) result.errors[i] = 1.0;
  }
  return result;
}

Answer same(const Task& task) { return exact(task.input(0)); }

constexpr Reference kReferences[] = {
    {"linear", product},
    {"conv2d", product},
    {"attention", attention},
    {"self_attention", self_attention},
    {"group_norm", group_norm},
    {"layer_norm", layer_norm},
    {"silu", unary<Unary::Function::silu>},
    {"gelu", unary<Unary::Function::gelu>},
    {"quick_gelu", unary<Unary::Function::quick_gelu>},
    {"scale", scaled},
    {"add", sum},
    {"geglu", gated},
    {"upsample_nearest", upsampled},
    {"concat", joined},
    {"slice_channels", sliced},
    {"join_images", joined_images},
    {"slice_images", sliced_images},
    {"token_embedding", tokens},
    {"timestep_embedding", timesteps},
    {"to_rgb8", bytes},
    {"to_element", same},
    {"to_float", same},
};

}  // namespace

std::span<const Reference> references() { return kReferences; }

Answer answer(const Task& task) {
  for (const Reference& reference : kReferences) {
    if (reference.op == task.node.op->name()) return reference.answer(task);
  }
  fail(task.node.path, "operation {} has no reference (runtime/reference/references.cpp)",
       task.node.op->name());
}

}  // namespace kiln::reference
