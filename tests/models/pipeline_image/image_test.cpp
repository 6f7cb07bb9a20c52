// PNG and JPEG of every kind become RGB; files that lie are refused.
#include "models/pipeline/image.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "made_images.h"
#include "runtime/base/error.h"

namespace kiln {
namespace {

using testing::Bytes;
using testing::make_jpeg;
using testing::make_png;

Bytes decode(const Bytes& file) { return decode_image(testing::view(file), "p").rgb; }

TEST(Image, PngOfEveryColourTypeBecomesRgb) {
  EXPECT_EQ(decode(make_png(2, 1, LCT_RGB, 8, {1, 2, 3, 4, 5, 6})), (Bytes{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(decode(make_png(2, 1, LCT_GREY, 8, {7, 200})), (Bytes{7, 7, 7, 200, 200, 200}));
  EXPECT_EQ(decode(make_png(2, 1, LCT_GREY, 1, {0x40})), (Bytes{0, 0, 0, 255, 255, 255}));
  EXPECT_EQ(decode(make_png(2, 1, LCT_GREY, 2, {0x60})), (Bytes{85, 85, 85, 170, 170, 170}));
  EXPECT_EQ(decode(make_png(2, 1, LCT_GREY, 4, {0x1e})), (Bytes{17, 17, 17, 238, 238, 238}));
  const Bytes palette{10, 20, 30, 255, 40, 50, 60, 255, 0, 0, 0, 0};
  EXPECT_EQ(decode(make_png(3, 1, LCT_PALETTE, 8, {1, 0, 2}, palette)),
            (Bytes{40, 50, 60, 10, 20, 30, 255, 255, 255}));
  EXPECT_EQ(decode(make_png(2, 1, LCT_PALETTE, 2, {0x10}, palette)),
            (Bytes{10, 20, 30, 40, 50, 60}));
}

TEST(Image, AlphaIsCompositedOverWhite) {
  EXPECT_EQ(decode(make_png(4, 1, LCT_RGBA, 8,
                            {10, 20, 30, 255, 10, 20, 30, 0, 0, 100, 200, 128, 0, 255, 0, 1})),
            (Bytes{10, 20, 30, 255, 255, 255, 127, 177, 227, 254, 255, 254}));
  EXPECT_EQ(decode(make_png(2, 1, LCT_GREY_ALPHA, 8, {0, 51, 9, 255})),
            (Bytes{204, 204, 204, 9, 9, 9}));
}

TEST(Image, SixteenBitsAreRounded) {
  // 128 / 257 rounds to 0, 129 / 257 to 1, 65406 / 257 to 254, 65407 / 257 to 255.
  EXPECT_EQ(decode(make_png(2, 1, LCT_GREY, 16, {0x00, 0x80, 0x00, 0x81})),
            (Bytes{0, 0, 0, 1, 1, 1}));
  EXPECT_EQ(decode(make_png(1, 1, LCT_RGB, 16, {0xff, 0x7e, 0xff, 0x7f, 0xff, 0xff})),
            (Bytes{254, 255, 255}));
  EXPECT_EQ(decode(make_png(1, 1, LCT_RGBA, 16, {0, 0, 0x80, 0, 0xff, 0xff, 0x80, 0x00})),
            (Bytes{127, 191, 255}));
  EXPECT_EQ(decode(make_png(1, 1, LCT_GREY_ALPHA, 16, {0x12, 0x34, 0xff, 0xff})),
            (Bytes{18, 18, 18}));
}

TEST(Image, JpegOfEveryColourSpaceBecomesRgb) {
  for (const bool progressive : {false, true}) {
    const auto first = [&](int components, const Bytes& colour) {
      return decode(make_jpeg(8, {colour}, {.components = components, .progressive = progressive}));
    };
    const Bytes rgb = first(3, {200, 100, 50});
    ASSERT_EQ(rgb.size(), 8u * 8 * 3);
    EXPECT_NEAR(rgb[0], 200, 2);
    EXPECT_NEAR(rgb[1], 100, 2);
    EXPECT_NEAR(rgb[2], 50, 2);
    EXPECT_EQ(first(1, {77}), Bytes(8 * 8 * 3, 77));
    // Adobe stores 255 less the ink: cyan 0, magenta 128, yellow 255, key 64.
    const Bytes cmyk = first(4, {255, 127, 0, 191});
    EXPECT_NEAR(cmyk[0], 191, 1);
    EXPECT_NEAR(cmyk[1], 95, 1);
    EXPECT_NEAR(cmyk[2], 0, 1);
  }
}

TEST(Image, ExifOrientationIsUndone) {
  // Two bands, dark above light; the corner that ends up at the top left, as Pillow turns it.
  const auto turned = [](int orientation) {
    const Bytes file = make_jpeg(8, {{20}, {220}}, {.components = 1, .orientation = orientation});
    return decode_image(testing::view(file), "p");
  };
  const auto is_dark = [](const Image& image, std::uint32_t x, std::uint32_t y) {
    return image.rgb[(std::size_t(y) * image.width + x) * 3] < 128;
  };
  for (int orientation = 0; orientation <= 9; ++orientation) {
    SCOPED_TRACE(orientation);
    const Image image = turned(orientation);
    const bool sideways = orientation >= 5 && orientation <= 8;
    EXPECT_EQ(image.width, sideways ? 16u : 8u);
    EXPECT_EQ(image.height, sideways ? 8u : 16u);
    const bool top = is_dark(image, 0, 0), right = is_dark(image, image.width - 1, 0);
    const bool bottom = is_dark(image, 0, image.height - 1);
    switch (orientation) {
      case 3:
      case 4:
        EXPECT_TRUE(!top && !right && bottom);
        break;  // upside down
      case 5:
      case 8:
        EXPECT_TRUE(top && !right && bottom);
        break;  // dark at the left
      case 6:
      case 7:
        EXPECT_TRUE(!top && right && !bottom);
        break;  // dark at the right
      default:
        EXPECT_TRUE(top && right && !bottom);
    }
  }
}

struct BadPicture {
  std::string name;
  Bytes file;
  std::string expected_part;
};

Bytes cut(const Bytes& file, std::size_t count) {
  return {file.begin(), file.begin() + std::ptrdiff_t(count)};
}

std::vector<BadPicture> bad_pictures() {
  const Bytes png = make_png(8, 8, LCT_RGB, 8, testing::noise_image(8, 8, 1).rgb);
  std::vector<Bytes> bands;
  for (std::uint8_t i = 0; i < 32; ++i) bands.push_back({std::uint8_t(i * 97), i, 200});
  const Bytes jpeg = make_jpeg(256, bands, {});
  Bytes flipped = png, wrong_type = png, end_early = cut(jpeg, jpeg.size() * 3 / 4);
  flipped[png.size() / 2] ^= 0x10;
  wrong_type[25] = 7;
  lodepng_chunk_generate_crc(&wrong_type[8]);
  end_early.insert(end_early.end(), {0xff, 0xd9});
  return {
      {"empty", {}, "is empty"},
      {"text", {'h', 'i'}, "neither a PNG nor a JPEG"},
      {"gif", {'G', 'I', 'F', '8', '9', 'a'}, "neither"},
      {"png signature alone", cut(png, 8), "damaged PNG"},
      {"png cut in its header", cut(png, 20), "damaged PNG"},
      {"png cut in its pixels", cut(png, png.size() - 30), "damaged PNG"},
      {"png with a flipped bit", flipped, "damaged PNG"},
      {"png of colour type 7", wrong_type, "damaged PNG"},
      {"png states more rows", testing::with_png_size(png, 8, 9), "damaged PNG"},
      {"png states fewer rows", testing::with_png_size(png, 8, 7), "damaged PNG"},
      {"png of no width", testing::with_png_size(png, 0, 8), "damaged PNG"},
      {"png beyond a side", testing::with_png_size(png, 16385, 1), "the limit is 16384 a side"},
      {"png beyond all pixels", testing::with_png_size(png, 16384, 16384), "100000000 in all"},
      {"png of 2^32 pixels a side", testing::with_png_size(png, 0xffffffff, 0xffffffff), "["},
      {"png far larger than its data", testing::with_png_size(png, 9000, 9000), "can hold"},
      {"jpeg start alone", cut(jpeg, 3), "damaged JPEG"},
      {"jpeg cut in its header", cut(jpeg, 100), "damaged JPEG"},
      {"jpeg cut in its pixels", cut(jpeg, jpeg.size() * 3 / 4), "truncated JPEG"},
      {"jpeg without its end", cut(jpeg, jpeg.size() - 8), "truncated JPEG"},
      {"jpeg that ends early", end_early, "truncated JPEG"},
      {"jpeg states more rows", testing::with_jpeg_size(jpeg, 256, 320), "truncated JPEG"},
      {"jpeg of no height", testing::with_jpeg_size(jpeg, 256, 0), "damaged JPEG"},
      {"jpeg beyond a side", testing::with_jpeg_size(jpeg, 16385, 8), "the limit is 16384 a side"},
      {"jpeg beyond all pixels", testing::with_jpeg_size(jpeg, 16384, 16384), "in all"},
      {"jpeg far larger than its data", testing::with_jpeg_size(jpeg, 9000, 9000), "can hold"},
  };
}

TEST(Image, RefusesFilesThatAreDamagedOrLie) {
  for (const BadPicture& bad : bad_pictures()) {
    SCOPED_TRACE(bad.name);
    testing::expect_one_line_error([&] { decode(bad.file); }, bad.expected_part);
  }
}

TEST(Image, SavesWhatItLoads) {
  const auto folder = std::filesystem::temp_directory_path() / "kiln-image-test";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directory(folder);
  const Image image = testing::noise_image(17, 9, 3);
  const std::vector<PngText> texts{{"parameters", "a cat\nSteps: 1"}, {"kiln", "\xe6\xbc\xa2"}};
  save_png(folder / "a.png", image, texts);
  EXPECT_EQ(load_image(folder / "a.png"), image);
  EXPECT_EQ(read_png_text(folder / "a.png"), texts);
  testing::expect_one_line_error([&] { save_png(folder / "b" / "a.png", image); },
                                 "b/a.png] cannot");
  testing::expect_one_line_error([&] { save_png(folder, image); }, "is a folder");
  testing::expect_one_line_error([&] { save_png(folder / "c.png", {4, 4, {1, 2, 3}}); }, "3 bytes");
  testing::expect_one_line_error([&] { save_png(folder / "c.png", {}); }, "size of 0x0");
  testing::expect_one_line_error([&] { load_image(folder / "c.png"); }, "No such file");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder), {}), 1);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace kiln
