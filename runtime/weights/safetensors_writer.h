// Writes .safetensors files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "runtime/graph/dtype.h"

namespace kiln {

struct TensorToWrite {
  std::string name;
  DType dtype = DType::f32;
  std::vector<std::int64_t> dims;
  std::span<const std::byte> bytes;  // row major, little endian; product(dims) * size_bytes(dtype)
};

// The file appears whole or not at all. Tensors are laid out as the reference writer does: wide
// element types first, then by name; the header is padded so that data starts at a multiple of 8.
// Throws Error for a name given twice, a wrong byte count, or an unwritable path.
void write_safetensors(const std::filesystem::path& path, std::vector<TensorToWrite> tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace kiln
