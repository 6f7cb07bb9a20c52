// Ranges of a request, checked before anything is done.
#pragma once

#include "models/families/model.h"
#include "models/pipeline/kiln.h"

namespace kiln {

inline constexpr std::uint32_t kLargestSide = 8192;  // pixels
inline constexpr std::uint32_t kMostImages = 64;
inline constexpr std::uint32_t kMostSteps = 1000;

// Each throws Error (usage) that names the field and its range.
void check_size(std::uint32_t width, std::uint32_t height, const Model& model);
void check_images(std::uint32_t images);
void check_sampling(const SamplerSettings& sampling);
void check_strength(float strength);
void check_clip_skip(std::uint32_t clip_skip, const Model& model);
void check_request(const Request& request, const Model& model);

}  // namespace kiln
