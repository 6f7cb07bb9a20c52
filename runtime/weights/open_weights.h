// Opens a weight file or folder, whatever its format.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "runtime/weights/folder.h"
#include "runtime/weights/weight_source.h"

namespace kiln {

// A folder is opened as a component folder (folder.h). A file's format is told by its first bytes:
// .safetensors (strict unless the choice is lenient) or a PyTorch ZIP checkpoint. Throws Error that
// names what was found instead: GGUF, the PyTorch format before 1.6, a Git LFS pointer, a web page,
// an unknown format.
WeightSourcePtr open_weights(const std::filesystem::path& path, const WeightChoice& choice = {});

// As open_weights on a file's bytes, which must outlive the result or be kept alive by owner.
WeightSourcePtr parse_weights(std::span<const std::byte> file, const std::string& description,
                              const WeightChoice& choice = {},
                              std::shared_ptr<const void> owner = nullptr);

}  // namespace kiln
