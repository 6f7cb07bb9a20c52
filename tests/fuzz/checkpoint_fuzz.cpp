// Feeds any bytes to the ZIP reader and the pickle reader, as an archive and as a bare pickle.
#include <cstddef>
#include <cstdint>
#include <span>

#include "runtime/base/align.h"
#include "runtime/base/error.h"
#include "runtime/weights/checkpoint.h"
#include "runtime/weights/pickle.h"
#include "runtime/weights/weights.h"

namespace {

// A tensor may be large without being wrong (expanded from one element); such ones are not read.
constexpr std::uint64_t kMostElements = 1 << 20;

void read_tensors(const kiln::WeightSource& source) {
  for (const std::string& name : source.names()) {
    try {
      const auto info = source.find(name);
      if (info && kiln::checked_elements(info->dims).value_or(~0ull) <= kMostElements) {
        kiln::read_as_f32(source, name);
      }
    } catch (const kiln::Error&) {  // a tensor that cannot be read
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto file = std::as_bytes(std::span(data, size));
  try {
    read_tensors(*kiln::Checkpoint::parse(file, "fuzz"));
  } catch (const kiln::Error&) {  // refused
  }
  try {  // the archive's checksums would stop most changes to the pickle inside
    kiln::parse_pickle(file, "fuzz");
  } catch (const kiln::Error&) {  // refused
  }
  return 0;
}
