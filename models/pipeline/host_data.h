// What the host gives to and takes from the device: layouts, types, tables, noise.
#pragma once

#include <cstdint>
#include <vector>

#include "models/families/model.h"
#include "models/pipeline/kiln.h"
#include "models/sampling/step_table.h"
#include "runtime/graph/shape.h"

namespace kiln {

// Latents as PyTorch orders them, [image, channel, pixel], and as the device does, [.., channel].
std::vector<float> to_channels_last(const std::vector<float>& values, const Shape& shape);
std::vector<float> to_channels_first(const std::vector<float>& values, const Shape& shape);

// Values in the element type's bytes, f32 or f16, and back.
std::vector<std::byte> to_bytes(const std::vector<float>& values, DType element);
std::vector<float> from_bytes(const std::vector<std::byte>& bytes, DType element);

// Pixels to -1..1, [1, height, width, 3].
std::vector<float> image_values(const Image& image);

// The step table of a run. strength: below 0 means text to image.
// Throws Error (usage) for an unknown sampler or schedule.
StepTable step_table(const SamplerSettings& settings, const Model& model, float strength,
                     StrengthRule rule);

// torch's CPU stream of each seed: draws tensors of `elements` unit normal values one after
// another, [draw, image, element].
std::vector<float> cpu_noise(const std::vector<std::uint64_t>& seeds, std::uint32_t draws,
                             std::uint64_t elements);

}  // namespace kiln
