// Opens one component folder of the diffusers layout: unet/, vae/, text_encoder/ ...
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "runtime/weights/weight_source.h"

namespace kiln {

struct WeightChoice {
  // Folders: the variant looked for first, e.g. "fp16" for model.fp16.safetensors; empty: the plain
  // file. The other of the two is taken when that one is absent.
  std::string variant = {};
  // Accept safetensors files with holes, overlaps or a tail; each fault goes to warn as one line.
  bool lenient = false;
  std::function<void(std::string_view)> warn = {};  // may be empty
};

// Looks for diffusion_pytorch_model, model and pytorch_model, as .safetensors, in shards with an
// .index.json, then as .bin (read as a checkpoint). Throws Error when there is none, when a shard
// is missing, or when a shard lacks a tensor that the index places in it.
// Source of the names: diffusers, docs on loading; transformers, modeling_utils.
WeightSourcePtr open_component_folder(const std::filesystem::path& folder,
                                      const WeightChoice& choice = {});

// The shards an index file names, as one source.
WeightSourcePtr open_sharded(const std::filesystem::path& index_file,
                             const WeightChoice& choice = {});

}  // namespace kiln
