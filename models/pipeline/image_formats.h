// The decoders behind decode_image.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "models/pipeline/image.h"

namespace kiln {

Image decode_png(std::span<const std::byte> file, std::string_view place);
Image decode_jpeg(std::span<const std::byte> file, std::string_view place);

// Throws Error when the size a header states is zero or beyond the limits of image.h.
void check_image_size(std::uint64_t width, std::uint64_t height, std::string_view place);

// Exif orientation 1 to 8 from the payload of a JPEG APP1 marker; 1 when it says nothing usable.
// Source: CIPA DC-008 (Exif 2.32), 4.6.4.
int exif_orientation(std::span<const std::byte> marker);

// The picture turned so that its orientation becomes 1.
Image upright(Image image, int orientation);

}  // namespace kiln
