// Separable resampling in fixed point.
#include "models/pipeline/resize.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>

#include "runtime/base/error.h"

namespace kiln {
namespace {

constexpr int kFractionBits = 22;  // of a weight: 32 less 8 of a sample less 2 of headroom
constexpr double kLobes = 3.0;

double sinc(double x) {
  return x == 0.0 ? 1.0 : std::sin(x * std::numbers::pi) / (x * std::numbers::pi);
}

double lanczos(double x) { return std::abs(x) < kLobes ? sinc(x) * sinc(x / kLobes) : 0.0; }

// What one output sample is made of: weights for inputs first, first + 1, ...
struct Taps {
  std::uint32_t first = 0;
  std::vector<std::int32_t> weights;
};

std::vector<Taps> taps_of(std::uint32_t inputs, std::uint32_t outputs) {
  const double scale = double(inputs) / double(outputs);
  const double widening = std::max(scale, 1.0);
  const double reach = kLobes * widening;
  std::vector<Taps> all(outputs);
  for (std::uint32_t i = 0; i < outputs; ++i) {
    const double centre = (double(i) + 0.5) * scale;
    const auto first = std::uint32_t(std::max(centre - reach + 0.5, 0.0));
    const auto end = std::uint32_t(std::min(centre + reach + 0.5, double(inputs)));
    std::vector<double> weights;
    double sum = 0.0;
    for (std::uint32_t k = first; k < end; ++k) {
      weights.push_back(lanczos((double(k) - centre + 0.5) * (1.0 / widening)));
      sum += weights.back();
    }
    all[i].first = first;
    for (const double weight : weights) {
      const double fixed = weight / sum * double(1 << kFractionBits);
      all[i].weights.push_back(std::int32_t(fixed < 0 ? fixed - 0.5 : fixed + 0.5));
    }
  }
  return all;
}

// samples: the first tap's sample; step: distance between samples.
std::uint8_t weigh(const Taps& taps, const std::uint8_t* samples, std::size_t step) {
  std::int32_t sum = 1 << (kFractionBits - 1);
  for (const std::int32_t weight : taps.weights) {
    sum += *samples * weight;
    samples += step;
  }
  return static_cast<std::uint8_t>(std::clamp(sum >> kFractionBits, 0, 255));
}

Image resize_rows(const Image& image, std::uint32_t width) {
  const std::vector<Taps> taps = taps_of(image.width, width);
  Image result{width, image.height,
               std::vector<std::uint8_t>(std::size_t(width) * image.height * 3)};
  std::uint8_t* out = result.rgb.data();
  for (std::uint32_t y = 0; y < image.height; ++y) {
    const std::uint8_t* row = &image.rgb[std::size_t(y) * image.width * 3];
    for (const Taps& tap : taps) {
      for (std::size_t c = 0; c < 3; ++c)
        *out++ = weigh(tap, row + std::size_t(tap.first) * 3 + c, 3);
    }
  }
  return result;
}

Image resize_columns(const Image& image, std::uint32_t height) {
  const std::vector<Taps> taps = taps_of(image.height, height);
  const std::size_t row_bytes = std::size_t(image.width) * 3;
  Image result{image.width, height, std::vector<std::uint8_t>(row_bytes * height)};
  std::uint8_t* out = result.rgb.data();
  for (const Taps& tap : taps) {
    const std::uint8_t* row = &image.rgb[tap.first * row_bytes];
    for (std::size_t x = 0; x < row_bytes; ++x) *out++ = weigh(tap, row + x, row_bytes);
  }
  return result;
}

void check(const Image& image, std::uint64_t width, std::uint64_t height) {
  if (image.width == 0 || image.height == 0 ||
      image.rgb.size() != std::size_t(image.width) * image.height * 3) {
    fail_usage("resize", "the picture of {}x{} has {} bytes", image.width, image.height,
               image.rgb.size());
  }
  if (width == 0 || height == 0 || width > kLargestImageSide || height > kLargestImageSide ||
      width * height > kMostImagePixels) {
    fail_usage("resize", "cannot make a picture of {}x{}; the limit is {} a side and {} in all",
               width, height, kLargestImageSide, kMostImagePixels);
  }
}

// The middle of a picture; its corner as both peers compute it: halves of each side, not half of
// the difference.
Image crop(const Image& image, std::uint32_t width, std::uint32_t height) {
  const std::uint32_t left = image.width / 2 - width / 2;
  const std::uint32_t top = image.height / 2 - height / 2;
  Image result{width, height, std::vector<std::uint8_t>(std::size_t(width) * height * 3)};
  for (std::uint32_t y = 0; y < height; ++y) {
    std::memcpy(&result.rgb[std::size_t(y) * width * 3],
                &image.rgb[((std::size_t(top) + y) * image.width + left) * 3],
                std::size_t(width) * 3);
  }
  return result;
}

}  // namespace

Image resize(const Image& image, std::uint32_t width, std::uint32_t height) {
  check(image, width, height);
  Image result = width == image.width ? image : resize_rows(image, width);
  return height == image.height ? result : resize_columns(result, height);
}

Image resize_and_crop(const Image& image, std::uint32_t width, std::uint32_t height) {
  check(image, width, height);
  // The side that is scaled to fit exactly; the other is as long or longer, and cut.
  const std::uint64_t image_width = image.width, image_height = image.height;
  const bool fit_width = std::uint64_t(width) * image_height > image_width * height;
  const std::uint64_t scaled_width = fit_width ? width : image_width * height / image_height;
  const std::uint64_t scaled_height = fit_width ? image_height * width / image_width : height;
  if (scaled_width > kLargestImageSide || scaled_height > kLargestImageSide ||
      scaled_width * scaled_height > kMostImagePixels) {
    // A sliver of a picture: cut to proportion first, or the scaled one would be enormous.
    const std::uint64_t kept_width =
        std::clamp<std::uint64_t>(image_height * width / height, 1, image_width);
    const std::uint64_t kept_height =
        std::clamp<std::uint64_t>(image_width * height / width, 1, image_height);
    return resize(crop(image, std::uint32_t(kept_width), std::uint32_t(kept_height)), width,
                  height);
  }
  return crop(resize(image, std::uint32_t(scaled_width), std::uint32_t(scaled_height)), width,
              height);
}

}  // namespace kiln
