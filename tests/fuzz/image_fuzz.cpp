// Feeds any bytes to the PNG and JPEG readers, to the readers of their texts, and to A1111's
// format.
#include <lodepng.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "models/pipeline/image.h"
#include "models/pipeline/parameters.h"
#include "runtime/base/error.h"

namespace {

// Makes the checksums of PNG chunks right, so that changed chunks reach their readers.
void mend_checksums(std::vector<std::uint8_t>& file) {
  constexpr std::size_t kSignatureBytes = 8, kFrameBytes = 12;
  for (std::size_t at = kSignatureBytes; at + kFrameBytes <= file.size();) {
    const std::size_t length = lodepng_chunk_length(&file[at]);
    if (length > file.size() - at - kFrameBytes) return;
    lodepng_chunk_generate_crc(&file[at]);
    at += kFrameBytes + length;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::uint8_t> file(data, data + size);
  const auto bytes = std::as_bytes(std::span(file));
  if (kiln::is_png(bytes)) mend_checksums(file);
  try {
    const kiln::Image image = kiln::decode_image(bytes, "fuzz");
    if (image.rgb.size() != std::size_t(image.width) * image.height * 3) __builtin_trap();
  } catch (const kiln::Error&) {  // refused
  }
  try {
    for (const kiln::PngText& text : kiln::parse_png_text(bytes, "fuzz")) {
      kiln::parse_parameters(text.text);
    }
  } catch (const kiln::Error&) {  // refused
  }
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  kiln::write_parameters(kiln::parse_parameters(text));
  return 0;
}
