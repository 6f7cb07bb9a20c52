// Text chunks of PNG files, read and written.
#include "models/pipeline/png_text.h"

#include <lodepng.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>

#include "runtime/base/error.h"
#include "runtime/weights/mapped_file.h"

namespace kiln {
namespace {

constexpr std::size_t kMostText = std::size_t(16) << 20;  // bytes, of a whole file
constexpr std::size_t kLongestKey = 79;
constexpr char32_t kReplacement = 0xfffd;

struct Free {
  void operator()(unsigned char* memory) const { std::free(memory); }
};
using Memory = std::unique_ptr<unsigned char, Free>;

std::vector<char32_t> code_points(std::string_view utf8) {
  std::vector<char32_t> points;
  for (std::size_t i = 0; i < utf8.size();) {
    const auto lead = static_cast<unsigned char>(utf8[i]);
    const std::size_t length = lead < 0x80   ? 1
                               : lead < 0xc2 ? 0
                               : lead < 0xe0 ? 2
                               : lead < 0xf0 ? 3
                               : lead < 0xf5 ? 4
                                             : 0;
    char32_t point = length == 1 ? lead : lead & (0x7fu >> length);
    bool whole = length != 0 && length <= utf8.size() - i;
    for (std::size_t k = 1; whole && k < length; ++k) {
      const auto next = static_cast<unsigned char>(utf8[i + k]);
      whole = (next & 0xc0u) == 0x80u;
      point = (point << 6) | (next & 0x3fu);
    }
    constexpr std::array<char32_t, 5> kSmallest{0, 0, 0x80, 0x800, 0x10000};
    whole = whole && point >= kSmallest[length] && point <= 0x10ffff &&
            (point < 0xd800 || point > 0xdfff);
    points.push_back(!whole ? kReplacement : point == 0 ? U' ' : point);
    i += whole ? length : 1;
  }
  return points;
}

void append_utf8(std::string& text, char32_t point) {
  if (point < 0x80) {
    text += char(point);
  } else if (point < 0x800) {
    text += {char(0xc0 | (point >> 6)), char(0x80 | (point & 0x3f))};
  } else if (point < 0x10000) {
    text += {char(0xe0 | (point >> 12)), char(0x80 | ((point >> 6) & 0x3f)),
             char(0x80 | (point & 0x3f))};
  } else {
    text += {char(0xf0 | (point >> 18)), char(0x80 | ((point >> 12) & 0x3f)),
             char(0x80 | ((point >> 6) & 0x3f)), char(0x80 | (point & 0x3f))};
  }
}

std::string to_utf8(std::string_view latin1) {
  std::string text;
  for (const char c : latin1) append_utf8(text, static_cast<unsigned char>(c));
  return text;
}

// Well-formed UTF-8 of what may not be.
std::string repaired(std::string_view utf8) {
  std::string text;
  for (const char32_t point : code_points(utf8)) append_utf8(text, point);
  return text;
}

// Nothing when some character is beyond Latin-1.
std::optional<std::string> to_latin1(std::string_view utf8) {
  std::string text;
  for (const char32_t point : code_points(utf8)) {
    if (point > 0xff) return std::nullopt;
    text += static_cast<char>(point);
  }
  return text;
}

std::string unpack(std::string_view packed, std::string_view place) {
  LodePNGDecompressSettings settings;
  lodepng_decompress_settings_init(&settings);
  settings.max_output_size = kMostText;
  unsigned char* bytes = nullptr;
  std::size_t size = 0;
  const unsigned error =
      lodepng_zlib_decompress(&bytes, &size, reinterpret_cast<const unsigned char*>(packed.data()),
                              packed.size(), &settings);
  const Memory owner(bytes);
  if (error != 0) {
    fail(place, "has a text chunk that cannot be unpacked: {}", lodepng_error_text(error));
  }
  return {reinterpret_cast<const char*>(bytes), size};
}

// Cuts off and returns what stands before the next zero byte.
std::string_view take_field(std::string_view& rest, std::string_view place) {
  const std::size_t end = rest.find('\0');
  if (end == std::string_view::npos) fail(place, "has a damaged text chunk");
  const std::string_view field = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  return field;
}

PngText parse_chunk(std::string_view type, std::string_view data, std::string_view place) {
  const std::string key = to_utf8(take_field(data, place));
  if (type == "tEXt") return {key, to_utf8(data)};
  const std::size_t flags = type == "zTXt" ? 1 : 2;  // compression method; flag and method
  if (data.size() < flags) fail(place, "has a damaged text chunk");
  const bool packed = type == "zTXt" || data[0] != 0;
  data.remove_prefix(flags);
  if (type == "zTXt") return {key, to_utf8(unpack(data, place))};
  take_field(data, place);  // language
  take_field(data, place);  // translated key
  return {key, repaired(packed ? unpack(data, place) : std::string(data))};
}

}  // namespace

bool is_png(std::span<const std::byte> file) {
  constexpr std::string_view kSignature = "\x89PNG\r\n\x1a\n";
  return file.size() >= kSignature.size() &&
         std::memcmp(file.data(), kSignature.data(), kSignature.size()) == 0;
}

std::vector<PngText> parse_png_text(std::span<const std::byte> file, std::string_view place) {
  constexpr std::size_t kSignatureBytes = 8, kFrameBytes = 12;  // length, type, checksum
  if (!is_png(file)) fail(place, "is not a PNG file");
  std::vector<PngText> texts;
  std::size_t total = 0;
  for (auto rest = file.subspan(kSignatureBytes);;) {
    const auto* chunk = reinterpret_cast<const unsigned char*>(rest.data());
    if (rest.size() < kFrameBytes || lodepng_chunk_length(chunk) > rest.size() - kFrameBytes) {
      fail(place, "is a damaged PNG file: it ends inside a chunk");
    }
    const std::size_t length = lodepng_chunk_length(chunk);
    const std::string_view type(reinterpret_cast<const char*>(chunk) + 4, 4);
    if (type == "IEND") return texts;
    if (type == "tEXt" || type == "zTXt" || type == "iTXt") {
      if (lodepng_chunk_check_crc(chunk) != 0) fail(place, "has a text chunk that is damaged");
      const std::string_view data(reinterpret_cast<const char*>(chunk) + 8, length);
      texts.push_back(parse_chunk(type, data, place));
      total += texts.back().key.size() + texts.back().text.size();
      if (total > kMostText) fail(place, "holds more than {} bytes of text", kMostText);
    }
    rest = rest.subspan(kFrameBytes + length);
  }
}

std::vector<PngText> read_png_text(const std::filesystem::path& path) {
  const auto file = MappedFile::open(path);
  return parse_png_text(file->bytes(), path.native());
}

std::vector<std::uint8_t> png_text_chunks(std::span<const PngText> texts) {
  std::vector<std::uint8_t> chunks;
  for (const PngText& text : texts) {
    const auto key = to_latin1(text.key);
    if (!key || key->empty() || key->size() > kLongestKey) {
      fail("png", "a text's key must have 1 to {} Latin-1 characters", kLongestKey);
    }
    const auto plain = to_latin1(text.text);
    const std::string data =
        plain ? *key + '\0' + *plain : *key + std::string(5, '\0') + repaired(text.text);
    if (data.size() > kMostText) fail("png", "a text of {} bytes is too long", data.size());
    unsigned char* bytes = nullptr;
    std::size_t size = 0;
    const unsigned error = lodepng_chunk_create(
        &bytes, &size, static_cast<unsigned>(data.size()), plain ? "tEXt" : "iTXt",
        reinterpret_cast<const unsigned char*>(data.data()));
    const Memory owner(bytes);
    if (error != 0) fail("png", "{}", lodepng_error_text(error));
    chunks.insert(chunks.end(), bytes, bytes + size);
  }
  return chunks;
}

}  // namespace kiln
