// The JSON header of a .safetensors file, parsed without building a tree of it.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "runtime/weights/safetensors.h"

namespace kiln {

struct SafetensorsHeader {
  Safetensors::Entries entries;
  std::map<std::string, std::string> metadata;
};

// Checks types, not sizes. place: the file, for messages. Throws Error for JSON that is no header:
// wrong types, missing or repeated keys, unknown element types, nesting beyond 32 levels.
SafetensorsHeader parse_safetensors_header(std::string_view json, std::string_view place);

}  // namespace kiln
