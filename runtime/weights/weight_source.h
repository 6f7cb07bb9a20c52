// Where weights come from: a list of named tensors that can be read one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/graph/dtype.h"

namespace kiln {

struct TensorInfo {
  DType dtype = DType::f32;
  std::vector<std::int64_t> dims;  // outermost first; empty for a scalar

  bool operator==(const TensorInfo&) const = default;
};

// Implementations: safetensors, checkpoint (.ckpt), folder of shards, synthetic; and sources that
// wrap a source (renamed, joined). All are immutable after opening and safe to read from several
// threads.
class WeightSource {
 public:
  virtual ~WeightSource() = default;

  // Where it came from, for messages: a file, a folder or "synthetic".
  virtual std::string description() const = 0;
  virtual std::vector<std::string> names() const = 0;  // sorted
  // Nothing when there is no such tensor. Throws Error when there is one that cannot be read
  // (an element type that is not supported, a damaged entry).
  virtual std::optional<TensorInfo> find(std::string_view name) const = 0;
  // Fills out (exactly the tensor's size in bytes; row major, little endian) or throws Error.
  virtual void read(std::string_view name, std::span<std::byte> out) const = 0;

  // True when the source makes up this tensor in whatever shape is asked for: find() then tells
  // the type only, and read_shaped() takes the place of read().
  virtual bool accepts_any_shape(std::string_view /*name*/) const { return false; }
  // As read(), with the extents the caller expects.
  virtual void read_shaped(std::string_view name, std::span<const std::int64_t> /*dims*/,
                           std::span<std::byte> out) const {
    read(name, out);
  }

  // The name this tensor bears in the file behind the source, for messages.
  virtual std::string name_in_file(std::string_view name) const { return std::string(name); }
};

using WeightSourcePtr = std::shared_ptr<const WeightSource>;

}  // namespace kiln
