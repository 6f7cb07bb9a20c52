// load_image and save_png: which decoder, and files around codecs.
#include "models/pipeline/image.h"

#include "models/pipeline/image_formats.h"
#include "runtime/base/error.h"
#include "runtime/weights/mapped_file.h"
#include "runtime/weights/output_file.h"

namespace kiln {

void check_image_size(std::uint64_t width, std::uint64_t height, std::string_view place) {
  if (width == 0 || height == 0) fail(place, "states a size of {}x{}", width, height);
  if (width > kLargestImageSide || height > kLargestImageSide ||
      width * height > kMostImagePixels) {
    fail(place, "is {}x{} pixels; the limit is {} a side and {} in all", width, height,
         kLargestImageSide, kMostImagePixels);
  }
}

Image decode_image(std::span<const std::byte> file, std::string_view place) {
  if (file.empty()) fail(place, "is empty");
  if (is_png(file)) return decode_png(file, place);
  const bool is_jpeg = file.size() >= 3 && file[0] == std::byte(0xff) &&
                       file[1] == std::byte(0xd8) && file[2] == std::byte(0xff);
  if (is_jpeg) return decode_jpeg(file, place);
  fail(place, "is neither a PNG nor a JPEG picture");
}

Image load_image(const std::filesystem::path& path) {
  const auto file = MappedFile::open(path);
  return decode_image(file->bytes(), path.native());
}

void save_png(const std::filesystem::path& path, const Image& image,
              std::span<const PngText> texts) {
  const std::vector<std::uint8_t> file = encode_png(image, texts);
  write_file(path, std::as_bytes(std::span(file)));
}

}  // namespace kiln
