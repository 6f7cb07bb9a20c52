// Texts in PNG files survive the round trip, whatever their characters.
#include "models/pipeline/png_text.h"

#include <gtest/gtest.h>

#include "made_images.h"

namespace kiln {
namespace {

using testing::Bytes;

Bytes png_with(const std::vector<PngText>& texts) {
  return encode_png(testing::noise_image(2, 2, 1), texts);
}

std::string read_back(const std::string& text) {
  const Bytes file = png_with({{"parameters", text}});
  return parse_png_text(testing::view(file), "p").at(0).text;
}

// A PNG whose header is followed by this chunk.
Bytes png_with_chunk(const char* type, const std::string& data) {
  Bytes file = png_with({});
  unsigned char* chunk = nullptr;
  std::size_t size = 0;
  EXPECT_EQ(lodepng_chunk_create(&chunk, &size, unsigned(data.size()), type,
                                 reinterpret_cast<const unsigned char*>(data.data())),
            0u);
  file.insert(file.begin() + 33, chunk, chunk + size);
  std::free(chunk);
  return file;
}

TEST(PngText, RoundTripsTextsOfEveryKind) {
  for (const std::string text : {"", "plain", "two\nlines", "Latin-1: \xc3\xa9\xc3\xbc\xc3\xbf",
                                 "\xe6\xbc\xa2\xe5\xad\x97", "\xf0\x9f\x90\xb1", "\xc4\x80"}) {
    EXPECT_EQ(read_back(text), text);
  }
  const std::string longer(200000, 'x');
  EXPECT_EQ(read_back(longer), longer);
}

TEST(PngText, LatinTextIsTextAndTheRestInternational) {
  const auto chunks = [](const std::string& text) {
    const Bytes bytes = png_text_chunks(std::vector<PngText>{{"k", text}});
    return std::string(bytes.begin() + 4, bytes.begin() + 8);
  };
  EXPECT_EQ(chunks("caf\xc3\xa9"), "tEXt");
  EXPECT_EQ(chunks("\xe6\xbc\xa2"), "iTXt");
}

TEST(PngText, MendsWhatPngCannotHold) {
  EXPECT_EQ(read_back(std::string("a\0b", 3)), "a b");
  EXPECT_EQ(read_back("a\xff"
                      "b"),
            "a\xef\xbf\xbd"
            "b");
  EXPECT_EQ(read_back("\xc3"), "\xef\xbf\xbd");                           // cut short
  EXPECT_EQ(read_back("\xc0\x80"), "\xef\xbf\xbd\xef\xbf\xbd");           // overlong
  EXPECT_EQ(read_back("\xed\xa0\x80").substr(0, 3), "\xef\xbf\xbd");      // surrogate
  EXPECT_EQ(read_back("\xf4\x90\x80\x80").substr(0, 3), "\xef\xbf\xbd");  // beyond Unicode
}

TEST(PngText, StandsBeforeThePixels) {
  const Bytes file = png_with({{"parameters", "x"}});
  EXPECT_EQ(std::string(file.begin() + 37, file.begin() + 41), "tEXt");
  EXPECT_EQ(decode_image(testing::view(file), "p"), testing::noise_image(2, 2, 1));
}

TEST(PngText, ReadsCompressedTexts) {
  Bytes packed;
  const std::string text = "\xe9t\xe9";
  lodepng::compress(packed, Bytes(text.begin(), text.end()));
  const std::string body(packed.begin(), packed.end());
  const Bytes latin = png_with_chunk("zTXt", std::string("k\0\0", 3) + body);
  EXPECT_EQ(parse_png_text(testing::view(latin), "p").at(0).text, "\xc3\xa9t\xc3\xa9");
  const Bytes international = png_with_chunk("iTXt", std::string("k\0\1\0de\0\0", 8) + body);
  EXPECT_EQ(parse_png_text(testing::view(international), "p").at(0).text,
            "\xef\xbf\xbdt\xef\xbf\xbd");
}

TEST(PngText, RefusesDamagedFilesAndBombs) {
  const auto refuses = [](const Bytes& file, const char* part) {
    testing::expect_one_line_error([&] { parse_png_text(testing::view(file), "p"); }, part);
  };
  Bytes packed;
  lodepng::compress(packed, Bytes(20 << 20, 'a'));
  const std::string bomb(packed.begin(), packed.end());
  const Bytes good = png_with({{"parameters", "text"}});
  Bytes flipped = good;
  flipped[50] ^= 1;
  refuses({}, "not a PNG");
  refuses({good.begin(), good.end() - 20}, "ends inside a chunk");
  refuses({good.begin(), good.begin() + 8}, "ends inside a chunk");
  refuses(flipped, "text chunk that is damaged");
  refuses(png_with_chunk("tEXt", "no end"), "damaged text chunk");
  refuses(png_with_chunk("zTXt", std::string("k\0", 2)), "damaged text chunk");
  refuses(png_with_chunk("zTXt", std::string("k\0\0nonsense", 11)), "cannot be unpacked");
  refuses(png_with_chunk("iTXt", std::string("k\0\0\0de", 6)), "damaged text chunk");
  refuses(png_with_chunk("zTXt", std::string("k\0\0", 3) + bomb), "cannot be unpacked");
  testing::expect_one_line_error([] { png_with({{"", "x"}}); }, "1 to 79");
  testing::expect_one_line_error([] { png_with({{std::string(80, 'k'), "x"}}); }, "1 to 79");
}

}  // namespace
}  // namespace kiln
