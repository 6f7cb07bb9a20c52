// Model: the networks, weights and tokenizer of a Stable Diffusion model, opened from disk.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "models/clip/text_encoder.h"
#include "models/clip/tokenizer.h"
#include "models/families/model_defaults.h"
#include "models/sampling/scheduler_config.h"
#include "models/unet/config.h"
#include "models/vae/config.h"
#include "runtime/weights/weight_source.h"

namespace kiln {

struct Model {
  std::string path;    // as the user gave it
  std::string family;  // a name of families(): "sd1", "sd2"
  TextEncoderConfig text;
  UnetConfig unet;
  VaeConfig vae;
  SchedulerConfig scheduler;
  Tokenizer tokenizer;
  std::uint32_t pad_id = 0;         // fills a prompt up to the encoder's positions
  std::uint32_t native_size = 512;  // pixels: the UNet's sample_size times the VAE's downscale
  ModelDefaults defaults;           // what the folder's kiln.json says
  WeightSourcePtr weights;          // diffusers names below "text_encoder.", "unet.", "vae."

  // A hash of names, shapes, types and the smaller tensors' bytes (up to 1 MiB each): tells models
  // and fine-tunes apart without reading gigabytes. 16 hexadecimal digits.
  std::string hash() const;
};

struct OpenOptions {
  std::string config_folder;      // single files: where the component configs are; may be empty
  std::string vocabulary_folder;  // single files: vocab.json and merges.txt; may be empty
  bool lenient = false;           // see open_weights
  std::function<void(std::string_view)> warn;  // may be empty
};

// path: a folder in diffusers layout (with model_index.json or the component folders), a
// single-file checkpoint, or "synthetic:sd15" for synthetic_model("sd15"). Throws Error naming what
// is missing or not supported.
Model open_model(const std::string& path, const OpenOptions& options);

// The shapes of a model without its files: seeded random weights, scaled so that activations stay
// sane (float16 included). name: "sd15". Throws Error (usage) for any other.
Model synthetic_model(std::string_view name, std::uint64_t seed);

// Where data lives that is set up once for the user: $XDG_DATA_HOME/kiln or ~/.local/share/kiln.
std::string user_data_folder();

// The vocabularies there: its folder clip.
std::string user_vocabulary_folder();

}  // namespace kiln
