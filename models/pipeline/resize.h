// Scales pictures, as Pillow does, for pictures that start a generation.
#pragma once

#include <cstdint>

#include "models/pipeline/image.h"

namespace kiln {

// Lanczos with three lobes, widened when scaling down; first along rows, then along columns, each
// rounded to 8 bits. The same bytes as Pillow's Image.resize(..., LANCZOS), the filter diffusers
// and A1111 use for input pictures. Source: Pillow, src/libImaging/Resample.c.
// Throws Error (usage) for a size of zero or beyond the limits of image.h.
Image resize(const Image& image, std::uint32_t width, std::uint32_t height);

// Scaled to cover width x height with its proportions kept, then cut to the centre: A1111's "Crop
// and resize", diffusers' resize_mode "crop".
Image resize_and_crop(const Image& image, std::uint32_t width, std::uint32_t height);

}  // namespace kiln
