// Feeds any bytes to the .safetensors reader, and reads every tensor of what it accepts.
#include <cstddef>
#include <cstdint>
#include <span>

#include "runtime/base/error.h"
#include "runtime/weights/safetensors.h"
#include "runtime/weights/weights.h"

namespace {

void read_all(std::span<const std::byte> file, kiln::Strictness strictness) {
  try {
    const auto source = kiln::Safetensors::parse(file, "fuzz", strictness);
    for (const std::string& name : source->names()) {
      try {
        kiln::read_as_f32(*source, name);
      } catch (const kiln::Error&) {  // a type that is listed but not supported
      }
    }
  } catch (const kiln::Error&) {  // refused, as most inputs are
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto file = std::as_bytes(std::span(data, size));
  read_all(file, kiln::Strictness::strict);
  read_all(file, kiln::Strictness::lenient);
  return 0;
}
