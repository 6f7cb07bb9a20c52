// Conversions on the host, and the step table from a request's words.
#include "models/pipeline/host_data.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "models/sampling/random.h"
#include "models/sampling/samplers.h"
#include "models/sampling/strength.h"
#include "runtime/base/half.h"

namespace kiln {

std::vector<float> to_channels_last(const std::vector<float>& values, const Shape& shape) {
  std::vector<float> result(values.size());
  const std::size_t pixels = shape.pixels(), channels = shape.channels;
  for (std::size_t image = 0; image < shape.batch; ++image) {
    const std::size_t base = image * pixels * channels;
    for (std::size_t c = 0; c < channels; ++c) {
      for (std::size_t p = 0; p < pixels; ++p) {
        result[base + p * channels + c] = values[base + c * pixels + p];
      }
    }
  }
  return result;
}

std::vector<float> to_channels_first(const std::vector<float>& values, const Shape& shape) {
  // The same exchange of two axes, the other way round.
  const Shape turned{shape.batch, 1, shape.channels, shape.pixels()};
  return to_channels_last(values, turned);
}

std::vector<std::byte> to_bytes(const std::vector<float>& values, DType element) {
  std::vector<std::byte> bytes(values.size() * size_bytes(element));
  if (element == DType::f32) {
    std::memcpy(bytes.data(), values.data(), bytes.size());
    return bytes;
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::uint16_t half = half_from_float(std::clamp(values[i], -65504.0f, 65504.0f));
    std::memcpy(bytes.data() + 2 * i, &half, 2);
  }
  return bytes;
}

std::vector<float> from_bytes(const std::vector<std::byte>& bytes, DType element) {
  std::vector<float> values(bytes.size() / size_bytes(element));
  if (element == DType::f32) {
    std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::uint16_t half;
    std::memcpy(&half, bytes.data() + 2 * i, 2);
    values[i] = float_from_half(half);
  }
  return values;
}

std::vector<float> image_values(const Image& image) {
  std::vector<float> values(image.rgb.size());
  std::transform(image.rgb.begin(), image.rgb.end(), values.begin(),
                 [](std::uint8_t byte) { return float(byte) / 127.5f - 1.0f; });
  return values;
}

StepTable step_table(const SamplerSettings& settings, const Model& model, float strength,
                     StrengthRule rule) {
  SamplerChoice choice;
  choice.sampler = settings.sampler;
  choice.schedule = settings.schedule;
  choice.steps = settings.steps;
  choice.guidance = settings.guidance;
  choice.guidance_rescale = settings.guidance_rescale;
  if (settings.eta) choice.eta = *settings.eta;
  if (strength >= 0) {
    choice.start_step = rule == StrengthRule::a1111
                            ? a1111_start_step(settings.steps, strength)
                            : diffusers_start_step(settings.steps, strength);
  }
  return make_table(choice, model.scheduler);
}

std::vector<float> cpu_noise(const std::vector<std::uint64_t>& seeds, std::uint32_t draws,
                             std::uint64_t elements) {
  std::vector<float> noise(draws * seeds.size() * elements);
  for (std::size_t image = 0; image < seeds.size(); ++image) {
    TorchCpuRandom random(seeds[image]);
    for (std::uint32_t draw = 0; draw < draws; ++draw) {
      const std::size_t at = (draw * seeds.size() + image) * elements;
      random.normals(std::span(noise).subspan(at, elements));
    }
  }
  return noise;
}

}  // namespace kiln
