// Every element type a weight file may name, those this program cannot read included.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "runtime/graph/dtype.h"

namespace kiln {

struct ElementType {
  std::string_view name;       // as safetensors spells it, e.g. "F8_E4M3"
  std::uint32_t bits;          // of one element
  std::optional<DType> dtype;  // nothing: the file may hold it, this program does not read it
};

// Nothing for a name safetensors does not define.
const ElementType* find_element_type(std::string_view name);

// Nothing for a name PyTorch does not use: "torch.float16" or a storage class "HalfStorage".
const ElementType* find_torch_type(std::string_view name);

}  // namespace kiln
