// Latents in a safetensors file: one float32 tensor "latents" [images, channels, height, width].
#pragma once

#include <filesystem>

#include "models/pipeline/kiln.h"

namespace kiln {

// The file appears whole or not at all.
void save_latents(const std::filesystem::path& path, const Latents& latents);
// Any floating-point type is read. Throws Error for another rank or sizes beyond 64 images, 64
// channels or 4096 a side.
Latents load_latents(const std::filesystem::path& path);

}  // namespace kiln
