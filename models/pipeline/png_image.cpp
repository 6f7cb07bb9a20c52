// PNG through lodepng: any colour type to RGB over white, and RGB with texts to a file.
#include <lodepng.h>

#include <cstdlib>
#include <memory>

#include "models/pipeline/image_formats.h"
#include "runtime/base/error.h"

namespace kiln {
namespace {

struct Free {
  void operator()(unsigned char* memory) const { std::free(memory); }
};

// round(255 * (value * alpha + white * (white - alpha)) / white^2), white being 255 or 65535.
std::uint8_t over_white(std::uint64_t value, std::uint64_t alpha, std::uint64_t white) {
  const std::uint64_t mixed = value * alpha + white * (white - alpha);
  return static_cast<std::uint8_t>((mixed * 255 + white * white / 2) / (white * white));
}

std::vector<std::uint8_t> flatten8(std::span<const unsigned char> rgba) {
  std::vector<std::uint8_t> rgb(rgba.size() / 4 * 3);
  for (std::size_t i = 0; i < rgba.size() / 4; ++i) {
    for (std::size_t c = 0; c < 3; ++c) {
      rgb[3 * i + c] = over_white(rgba[4 * i + c], rgba[4 * i + 3], 255);
    }
  }
  return rgb;
}

std::vector<std::uint8_t> flatten16(std::span<const unsigned char> rgba) {
  const auto sample = [&](std::size_t i) {
    return std::uint64_t(rgba[2 * i]) << 8 | rgba[2 * i + 1];
  };
  std::vector<std::uint8_t> rgb(rgba.size() / 8 * 3);
  for (std::size_t i = 0; i < rgba.size() / 8; ++i) {
    for (std::size_t c = 0; c < 3; ++c) {
      rgb[3 * i + c] = over_white(sample(4 * i + c), sample(4 * i + 3), 65535);
    }
  }
  return rgb;
}

// A small file that states a large picture is refused before memory for it is taken: deflate packs
// at most 1032 to 1 (zlib.net/zlib_tech.html).
void check_data_fills(const lodepng::State& state, unsigned width, unsigned height,
                      std::size_t file_bytes, std::string_view place) {
  const std::uint64_t raw = lodepng_get_raw_size(width, height, &state.info_png.color);
  if (raw / 1032 > file_bytes) {
    fail(place, "states {}x{} pixels, more than its {} bytes can hold", width, height, file_bytes);
  }
}

}  // namespace

Image decode_png(std::span<const std::byte> file, std::string_view place) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(file.data());
  lodepng::State state;
  unsigned width = 0, height = 0;
  unsigned error = lodepng_inspect(&width, &height, &state, bytes, file.size());
  if (error != 0) fail(place, "is a damaged PNG file: {}", lodepng_error_text(error));
  check_image_size(width, height, place);
  check_data_fills(state, width, height, file.size(), place);
  const bool wide = state.info_png.color.bitdepth == 16;
  state.info_raw.colortype = LCT_RGBA;
  state.info_raw.bitdepth = wide ? 16 : 8;
  state.decoder.read_text_chunks = 0;
  // Adam7 adds at most one filter byte for each row of each of its passes.
  state.decoder.zlibsettings.max_output_size =
      lodepng_get_raw_size(width, height, &state.info_png.color) + std::size_t(height) * 8 + 64;
  unsigned char* pixels = nullptr;
  error = lodepng_decode(&pixels, &width, &height, &state, bytes, file.size());
  const std::unique_ptr<unsigned char, Free> owner(pixels);
  if (error != 0) fail(place, "is a damaged PNG file: {}", lodepng_error_text(error));
  const std::size_t samples = std::size_t(width) * height * 4;
  const std::span<const unsigned char> all(pixels, wide ? samples * 2 : samples);
  return {width, height, wide ? flatten16(all) : flatten8(all)};
}

std::vector<std::uint8_t> encode_png(const Image& image, std::span<const PngText> texts) {
  constexpr std::ptrdiff_t kHeaderBytes = 8 + 25;  // signature and IHDR
  check_image_size(image.width, image.height, "png");
  if (image.rgb.size() != std::size_t(image.width) * image.height * 3) {
    fail("png", "an image of {}x{} has {} bytes", image.width, image.height, image.rgb.size());
  }
  lodepng::State state;
  state.encoder.auto_convert = 0;
  state.info_raw.colortype = state.info_png.color.colortype = LCT_RGB;
  state.info_raw.bitdepth = state.info_png.color.bitdepth = 8;
  std::vector<std::uint8_t> file;
  const unsigned error = lodepng::encode(file, image.rgb, image.width, image.height, state);
  if (error != 0) fail("png", "cannot be encoded: {}", lodepng_error_text(error));
  // Before the pixels, where every reader looks for texts.
  const std::vector<std::uint8_t> chunks = png_text_chunks(texts);
  file.insert(file.begin() + kHeaderBytes, chunks.begin(), chunks.end());
  return file;
}

}  // namespace kiln
