// A weight as it reaches the runtime: a name, extents, a type, and a function that fills bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "runtime/graph/dtype.h"

namespace kiln {

struct WeightData {
  std::string name;                // full path, e.g. "unet.conv_in.weight"
  std::vector<std::int64_t> dims;  // as in PyTorch: linear [out, in], conv [out, in, height, width]
  DType dtype = DType::f32;        // as `read` delivers it: f32, f16, bf16 or f64
  // Fills exactly product(dims) * size_bytes(dtype) bytes, row major, little endian. Thread-safe.
  std::function<void(std::span<std::byte>)> read;
};

}  // namespace kiln
