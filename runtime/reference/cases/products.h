// Shapes of linear layers and convolutions: Stable Diffusion's own, with fewer channels or pixels
// where the full size takes long on software Vulkan (tests/golden/ops holds full sizes), and
// primes.
#pragma once

#include <cstdint>
#include <string>

#include "runtime/ops/ops.h"

namespace kiln::cases {

struct LinearCase {
  std::uint32_t rows, inputs, outputs;
  bool has_bias;
};

inline constexpr LinearCase kLinear[] = {
    {77, 768, 768, true},    // text encoder
    {154, 768, 320, false},  // keys and values of cross-attention, a pair of prompts
    {64, 1280, 1280, false}, {256, 320, 2560, true}, {48, 2560, 640, true}, {1, 320, 1280, true},
    {2, 1280, 1280, true},  // time embedding
    {1, 1, 1, true},         {3, 7, 5, true},        {31, 33, 37, false},   {17, 4, 3, true},
    {67, 129, 131, true},    {13, 96, 4, false},     {5, 2, 127, true},     {19, 4, 32, true},
};

struct ConvCase {
  Shape x;
  std::uint32_t outputs, kernel;
  Conv2d how;
  bool has_bias;
};

inline constexpr Conv2d::Padding kRightBottom = Conv2d::Padding::right_bottom;

inline constexpr ConvCase kConv[] = {
    {{2, 8, 8, 320}, 320, 3, {}, true},              // UNet, resnets
    {{2, 16, 16, 4}, 320, 3, {}, true},              // conv_in
    {{1, 16, 16, 9}, 64, 3, {}, true},               // conv_in for inpainting
    {{1, 16, 16, 320}, 4, 3, {}, true},              // conv_out
    {{1, 8, 8, 640}, 320, 1, {}, true},              // shortcut
    {{1, 16, 16, 320}, 64, 3, {.stride = 2}, true},  // downsampler
    {{1, 24, 40, 128}, 3, 3, {}, true},              // VAE, conv_out
    {{1, 40, 24, 3}, 128, 3, {}, true},              // VAE, conv_in
    {{1, 16, 16, 128}, 64, 3, {.stride = 2, .padding = kRightBottom}, true},  // VAE, encoder
    {{2, 12, 8, 4}, 4, 1, {}, true},                                          // post_quant_conv
    {{1, 13, 9, 16}, 16, 3, {}, true},                                        // VAE, narrow
    {{1, 9, 11, 32}, 12, 3, {}, true},
    {{1, 6, 7, 48}, 20, 3, {}, false},  // rows of one and a half loads
    {{1, 7, 9, 64}, 36, 3, {}, true},   // tiles that lie partly outside, spare columns
    {{3, 8, 11, 96}, 65, 3, {}, false},
    {{1, 1, 1, 5}, 7, 3, {}, true},
    {{1, 2, 3, 1}, 1, 3, {}, false},
    {{3, 7, 5, 13}, 11, 3, {}, false},
    {{1, 13, 17, 4}, 37, 3, {.stride = 2}, true},
    {{2, 5, 11, 12}, 8, 3, {.stride = 2, .padding = kRightBottom}, false},
    {{1, 2, 2, 3}, 2, 3, {.stride = 2, .padding = kRightBottom}, true},
    {{1, 9, 7, 8}, 5, 1, {.stride = 2}, true},
    {{1, 3, 1, 6}, 9, 3, {.stride = 2}, true},
};

// Convolutions of x after nearest upsampling by 2.
inline constexpr ConvCase kUpscaledConv[] = {
    {{2, 8, 8, 64}, 96, 3, {}, true},      // UNet, upsamplers
    {{1, 13, 10, 128}, 128, 3, {}, true},  // VAE, upsamplers
    {{3, 4, 5, 32}, 65, 3, {}, false},     // spare columns
    {{2, 5, 7, 12}, 20, 3, {}, true},     {{1, 3, 2, 13}, 7, 3, {}, false},
    {{1, 1, 1, 4}, 4, 3, {}, true},
};

inline std::string to_text(const LinearCase& of) {
  return fmt::format("{}x{} -> {}{}", of.rows, of.inputs, of.outputs, of.has_bias ? " bias" : "");
}

inline std::string to_text(const ConvCase& of) {
  return fmt::format("{} -> {} k{} s{}{}{}", kiln::to_text(of.x), of.outputs, of.kernel,
                     of.how.stride, of.how.padding == kRightBottom ? " right_bottom" : "",
                     of.has_bias ? " bias" : "");
}

}  // namespace kiln::cases
