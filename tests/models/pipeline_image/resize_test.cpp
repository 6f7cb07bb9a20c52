// Scaling gives the same bytes as Pillow 9.4 with its LANCZOS filter.
#include "models/pipeline/resize.h"

#include <gtest/gtest.h>

#include "made_images.h"

namespace kiln {
namespace {

struct Case {
  std::uint32_t width, height, new_width, new_height;
  std::uint64_t hash;  // of Pillow's pixels
};

Image input(const Case& size) {
  return testing::noise_image(size.width, size.height, size.width * 1000 + size.height);
}

TEST(Resize, GivesPillowsBytes) {
  for (const Case& size : std::initializer_list<Case>{{7, 5, 13, 9, 0x16de843b814b9dfe},
                                                      {64, 48, 20, 31, 0xb7c4700eab8f699b},
                                                      {33, 65, 33, 8, 0xf864e2a9ef4e4942},
                                                      {3, 3, 512, 512, 0xbce2b820447cb2ae},
                                                      {100, 7, 16, 64, 0x44c1dc148c86d5bf},
                                                      {1, 1, 4, 4, 0xd41be35582df3df5},
                                                      {50, 50, 50, 50, 0xdfb23b0e89daa800}}) {
    const Image image = resize(input(size), size.new_width, size.new_height);
    EXPECT_EQ(image.width, size.new_width);
    EXPECT_EQ(image.height, size.new_height);
    EXPECT_EQ(testing::hash_of(image), size.hash) << size.new_width << "x" << size.new_height;
  }
}

TEST(Resize, CropKeepsTheMiddleAsA1111Does) {
  for (const Case& size : std::initializer_list<Case>{{64, 48, 16, 16, 0xe92f610ac610e55c},
                                                      {48, 65, 17, 16, 0x9ba8d96a317f0ec8},
                                                      {31, 20, 40, 8, 0x264eaaa8f742c07e},
                                                      {5, 5, 9, 12, 0x39bddb184e7329cd}}) {
    const Image image = resize_and_crop(input(size), size.new_width, size.new_height);
    EXPECT_EQ(image.width, size.new_width);
    EXPECT_EQ(testing::hash_of(image), size.hash) << size.new_width << "x" << size.new_height;
  }
}

TEST(Resize, SliversAreCutBeforeTheyAreScaled) {
  const Image image = resize_and_crop(testing::noise_image(2000, 1, 1), 64, 64);
  EXPECT_EQ(image.rgb.size(), 64u * 64 * 3);
  EXPECT_EQ(resize_and_crop(testing::noise_image(1, 2000, 1), 64, 64).rgb.size(), 64u * 64 * 3);
}

TEST(Resize, RefusesSizesItCannotMake) {
  const Image image = testing::noise_image(4, 4, 1);
  testing::expect_one_line_error([&] { resize(image, 0, 4); }, "cannot make");
  testing::expect_one_line_error([&] { resize(image, 4, 16385); }, "the limit is 16384");
  testing::expect_one_line_error([&] { resize(image, 16384, 16384); }, "in all");
  testing::expect_one_line_error([&] { resize_and_crop(image, 4, 0); }, "cannot make");
  testing::expect_one_line_error([] { resize({}, 4, 4); }, "has 0 bytes");
}

}  // namespace
}  // namespace kiln
