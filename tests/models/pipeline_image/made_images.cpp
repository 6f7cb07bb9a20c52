// Pictures from the codecs' own encoders, then damaged by hand.
#include "made_images.h"

#include <gtest/gtest.h>

#include <cstdio>  // jpeglib.h needs it and does not include it
#include <cstdlib>

#include <jpeglib.h>

#include "runtime/base/error.h"

namespace kiln::testing {

Image noise_image(std::uint32_t width, std::uint32_t height, std::uint32_t seed) {
  Image image{width, height, Bytes(std::size_t(width) * height * 3)};
  for (std::uint8_t& sample : image.rgb) {
    seed = seed * 1664525u + 1013904223u;
    sample = std::uint8_t(seed >> 24);
  }
  return image;
}

std::uint64_t hash_of(const Image& image) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const std::uint8_t sample : image.rgb) hash = (hash ^ sample) * 0x100000001b3u;
  return hash;
}

Bytes make_png(unsigned width, unsigned height, LodePNGColorType type, unsigned bits,
               const Bytes& samples, const Bytes& palette) {
  lodepng::State state;
  state.encoder.auto_convert = 0;
  for (LodePNGColorMode* mode : {&state.info_raw, &state.info_png.color}) {
    mode->colortype = type;
    mode->bitdepth = bits;
    for (std::size_t i = 0; i + 3 < palette.size(); i += 4) {
      lodepng_palette_add(mode, palette[i], palette[i + 1], palette[i + 2], palette[i + 3]);
    }
  }
  Bytes file;
  EXPECT_EQ(lodepng::encode(file, samples, width, height, state), 0u);
  return file;
}

Bytes make_jpeg(std::uint32_t width, const std::vector<Bytes>& rows, const JpegOptions& options) {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* memory = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &memory, &size);
  info.image_width = width;
  info.image_height = JDIMENSION(rows.size() * 8);
  info.input_components = options.components;
  info.in_color_space = options.components == 1   ? JCS_GRAYSCALE
                        : options.components == 3 ? JCS_RGB
                                                  : JCS_CMYK;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, 100, TRUE);
  for (int i = 0; i < info.num_components; ++i) {
    info.comp_info[i].h_samp_factor = info.comp_info[i].v_samp_factor = 1;
  }
  if (options.progressive) jpeg_simple_progression(&info);
  jpeg_start_compress(&info, TRUE);
  if (options.orientation != 0) {
    const Bytes exif = {
        'E', 'x', 'i', 'f',  0,    0, 'M', 'M', 0, 42, 0, 0, 0,
        8,   0,   1,   0x01, 0x12, 0, 3,   0,   0, 0,  1, 0, std::uint8_t(options.orientation),
        0,   0};
    jpeg_write_marker(&info, JPEG_APP0 + 1, exif.data(), unsigned(exif.size()));
  }
  for (std::size_t y = 0; y < rows.size() * 8; ++y) {
    Bytes line;
    for (std::uint32_t x = 0; x < width; ++x) {
      const Bytes& colour = rows[y / 8];
      line.insert(line.end(), colour.begin(), colour.end());
    }
    JSAMPROW row = line.data();
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  Bytes file(memory, memory + size);
  std::free(memory);
  return file;
}

Bytes with_png_size(Bytes png, std::uint32_t width, std::uint32_t height) {
  for (std::size_t i = 0; i < 4; ++i) {
    png[16 + i] = std::uint8_t(width >> (24 - 8 * i));
    png[20 + i] = std::uint8_t(height >> (24 - 8 * i));
  }
  lodepng_chunk_generate_crc(&png[8]);
  return png;
}

Bytes with_jpeg_size(Bytes jpeg, std::uint16_t width, std::uint16_t height) {
  for (std::size_t i = 2; i + 9 < jpeg.size(); i += 2 + jpeg[i + 2] * 256u + jpeg[i + 3]) {
    if (jpeg[i + 1] != 0xc0 && jpeg[i + 1] != 0xc2) continue;
    jpeg[i + 5] = std::uint8_t(height >> 8), jpeg[i + 6] = std::uint8_t(height);
    jpeg[i + 7] = std::uint8_t(width >> 8), jpeg[i + 8] = std::uint8_t(width);
    return jpeg;
  }
  ADD_FAILURE() << "no frame header";
  return jpeg;
}

void expect_one_line_error(const std::function<void()>& act, std::string_view expected_part) {
  try {
    act();
    ADD_FAILURE() << "was accepted, expected an error with: " << expected_part;
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find(expected_part), std::string::npos)
        << "message: " << message << "\nexpected in it: " << expected_part;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    EXPECT_EQ(message.front(), '[') << message;
  }
}

}  // namespace kiln::testing
