// JPEG through libjpeg: gray, YCbCr, CMYK and YCCK to RGB.
#include <cstdio>  // jpeglib.h needs it and does not include it

#include <jpeglib.h>

#include <jerror.h>

#include <array>
#include <csetjmp>

#include "models/pipeline/image_formats.h"
#include "runtime/base/error.h"

namespace kiln {
namespace {

// libjpeg reports errors through a callback that must not return. Between setjmp and longjmp only
// functions with trivial locals run: everything with a destructor lives in here.
struct JpegReader {
  jpeg_decompress_struct info{};
  jpeg_error_mgr errors{};
  jpeg_progress_mgr progress{};
  std::jmp_buf jump{};
  std::array<char, JMSG_LENGTH_MAX> message{};
  bool truncated = false;
  std::span<const std::byte> file;
  std::vector<std::uint8_t> rgb;
  std::vector<std::uint8_t> cmyk_row;

  JpegReader() = default;
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;
  ~JpegReader() { jpeg_destroy_decompress(&info); }
};

JpegReader& reader_of(j_common_ptr info) { return *static_cast<JpegReader*>(info->client_data); }

void on_error(j_common_ptr info) {
  JpegReader& reader = reader_of(info);
  reader.errors.format_message(info, reader.message.data());
  std::longjmp(reader.jump, 1);
}

// Warnings have level -1. libjpeg goes on with gray after these two; we call the file truncated.
void on_message(j_common_ptr info, int level) {
  const int code = info->err->msg_code;
  if (level < 0 && (code == JWRN_JPEG_EOF || code == JWRN_HIT_MARKER)) {
    reader_of(info).truncated = true;
  }
}

// A progressive file may hold any number of scans over a large picture: hours from a few bytes.
void on_progress(j_common_ptr info) {
  constexpr int kMostScans = 200;
  const auto* decompress = reinterpret_cast<j_decompress_ptr>(info);
  if (decompress->input_scan_number <= kMostScans) return;
  JpegReader& reader = reader_of(info);
  std::snprintf(reader.message.data(), reader.message.size(), "it has more than %d scans",
                kMostScans);
  std::longjmp(reader.jump, 1);
}

bool guarded(JpegReader& reader, void (*work)(JpegReader&)) {
  if (setjmp(reader.jump) != 0) return false;
  work(reader);
  return true;
}

void read_header(JpegReader& reader) {
  jpeg_create_decompress(&reader.info);
  reader.info.client_data = &reader;
  reader.info.progress = &reader.progress;
  jpeg_mem_src(&reader.info, reinterpret_cast<const unsigned char*>(reader.file.data()),
               static_cast<unsigned long>(reader.file.size()));
  jpeg_save_markers(&reader.info, JPEG_APP0 + 1, 0xffff);
  jpeg_read_header(&reader.info, TRUE);
}

// Adobe stores CMYK inverted, and marks such files; both are brought to "amount of light".
void convert_cmyk(const JpegReader& reader, std::uint8_t* rgb) {
  const std::uint32_t flip = reader.info.saw_Adobe_marker ? 0 : 255;
  const std::uint8_t* cmyk = reader.cmyk_row.data();
  for (std::uint32_t x = 0; x < reader.info.output_width; ++x, cmyk += 4, rgb += 3) {
    const std::uint32_t key = cmyk[3] ^ flip;
    for (int c = 0; c < 3; ++c) {
      rgb[c] = static_cast<std::uint8_t>(((cmyk[c] ^ flip) * key + 127) / 255);
    }
  }
}

void read_pixels(JpegReader& reader) {
  const bool is_cmyk = reader.info.out_color_space == JCS_CMYK;
  jpeg_start_decompress(&reader.info);
  while (reader.info.output_scanline < reader.info.output_height) {
    std::uint8_t* target =
        reader.rgb.data() + std::size_t(reader.info.output_scanline) * reader.info.output_width * 3;
    JSAMPROW row = is_cmyk ? reader.cmyk_row.data() : target;
    jpeg_read_scanlines(&reader.info, &row, 1);
    if (is_cmyk) convert_cmyk(reader, target);
  }
  jpeg_finish_decompress(&reader.info);
}

int orientation_of(const JpegReader& reader) {
  for (auto marker = reader.info.marker_list; marker != nullptr; marker = marker->next) {
    const std::span<const std::uint8_t> data(marker->data, marker->data_length);
    const int orientation = exif_orientation(std::as_bytes(data));
    if (orientation != 1) return orientation;
  }
  return 1;
}

}  // namespace

Image decode_jpeg(std::span<const std::byte> file, std::string_view place) {
  JpegReader reader;
  reader.file = file;
  reader.info.err = jpeg_std_error(&reader.errors);
  reader.info.client_data = &reader;
  reader.errors.error_exit = on_error;
  reader.errors.emit_message = on_message;
  reader.progress.progress_monitor = on_progress;
  if (!guarded(reader, read_header)) {
    fail(place, "is a damaged JPEG file: {}", reader.message.data());
  }
  const std::uint32_t width = reader.info.image_width, height = reader.info.image_height;
  check_image_size(width, height, place);
  // Huffman codes take a bit for each of the 64-pixel blocks at least; room for doubt left.
  if (std::uint64_t(width) * height / 2048 > file.size()) {
    fail(place, "states {}x{} pixels, more than its {} bytes can hold", width, height, file.size());
  }
  const int orientation = orientation_of(reader);  // now: reading pixels drops the markers
  const auto space = reader.info.jpeg_color_space;
  const bool is_cmyk = space == JCS_CMYK || space == JCS_YCCK;
  reader.info.out_color_space = is_cmyk ? JCS_CMYK : JCS_RGB;
  reader.rgb.resize(std::size_t(width) * height * 3);
  if (is_cmyk) reader.cmyk_row.resize(std::size_t(width) * 4);
  if (!guarded(reader, read_pixels)) {
    fail(place, "is a damaged JPEG file: {}", reader.message.data());
  }
  if (reader.truncated) fail(place, "is a truncated JPEG file");
  return upright({width, height, std::move(reader.rgb)}, orientation);
}

}  // namespace kiln
