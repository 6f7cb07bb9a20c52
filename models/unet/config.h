// UnetConfig: what a UNet2DConditionModel's config.json says, for the values Kiln supports.
#pragma once

#include <cstdint>
#include <vector>

namespace kiln {

// One resolution level, from the finest.
struct UnetLevel {
  std::uint32_t channels = 320;
  std::uint32_t transformers = 1;  // transformer layers in each attention block; 0: no attention
  std::uint32_t heads = 8;
};

// Defaults are Stable Diffusion 1.5.
struct UnetConfig {
  std::uint32_t in_channels = 4;
  std::uint32_t out_channels = 4;
  std::vector<UnetLevel> levels = {{320, 1, 8}, {640, 1, 8}, {1280, 1, 8}, {1280, 0, 8}};
  std::uint32_t blocks = 2;  // resnets a level on the way down; one more on the way up
  std::uint32_t context_channels = 768;
  std::uint32_t norm_groups = 32;
  float norm_epsilon = 1e-5f;
  std::uint32_t mid_transformers = 1;  // 0: no attention in the middle
  std::uint32_t mid_heads = 8;
  bool linear_projection = false;  // proj_in and proj_out are linear instead of 1x1 convolutions

  std::uint32_t time_channels() const { return levels[0].channels * 4; }
};

}  // namespace kiln
