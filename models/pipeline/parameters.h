// A1111's "parameters" text: how a picture was made, as people exchange it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kiln {

// Source of the format: AUTOMATIC1111 stable-diffusion-webui, modules/infotext_utils.py and
// processing.py: prompt, "Negative prompt: ...", and a last line of "Key: value" pairs.
struct GenerationParameters {
  std::string prompt, negative_prompt;  // UTF-8; may have several lines

  std::optional<std::uint32_t> steps;
  std::string sampler;        // as A1111 names it, e.g. "Euler a"; empty: not stated
  std::string schedule_type;  // e.g. "Karras"
  std::optional<float> cfg_scale;
  std::optional<std::uint64_t> seed;
  std::optional<std::uint32_t> width, height;  // "Size: 512x768"
  std::string model_hash, model;
  std::string vae_hash, vae;
  std::optional<float> denoising_strength;
  std::uint32_t clip_skip = 1;  // written only when above 1
  std::string rng;              // "CPU", "NV"; empty when the text does not say (A1111: GPU)
  std::string version;
  // All other pairs, in their order: keys this program does not know, and known keys whose value
  // cannot be understood.
  std::vector<std::pair<std::string, std::string>> extras;

  bool operator==(const GenerationParameters&) const = default;
};

// The text A1111's own parser reads back. White space around the prompts' lines is lost there, and
// a prompt line that begins with "Negative prompt:" cannot be told apart: as in A1111.
std::string write_parameters(const GenerationParameters& parameters);

// Never fails: what does not fit the format is prompt. The last line counts as pairs only when it
// holds at least three.
GenerationParameters parse_parameters(std::string_view text);

}  // namespace kiln
