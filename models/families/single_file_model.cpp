// Opens an original single-file checkpoint: names translated, configs from elsewhere or defaults.
#include <filesystem>

#include "models/families/ldm_names.h"
#include "models/families/open_model.h"
#include "runtime/base/error.h"
#include "runtime/weights/open_weights.h"
#include "runtime/weights/renamed.h"

namespace kiln {
namespace {

namespace fs = std::filesystem;

// Entries that tell other families from Stable Diffusion 1.x.
constexpr std::pair<std::string_view, std::string_view> kForeignEntries[] = {
    {"conditioner.embedders.1.model.ln_final.weight", "SDXL"},
    {"conditioner.embedders.0.model.ln_final.weight", "the SDXL refiner"},
    {"cond_stage_model.model.ln_final.weight", "Stable Diffusion 2.x"},
    {"model.diffusion_model.joint_blocks.0.context_block.attn.qkv.weight", "SD3"},
    {"double_blocks.0.img_attn.norm.key_norm.scale", "FLUX"},
    {"control_model.input_blocks.0.0.weight", "a ControlNet"},
};

void refuse_foreign(const WeightSource& source) {
  for (const auto& [name, family] : kForeignEntries) {
    if (source.find(name)) {
      fail(source.description(),
           "this is {}, which is not supported yet; supported as single "
           "files: Stable Diffusion 1.x",
           family);
    }
  }
  const char* entry = "model.diffusion_model.input_blocks.0.0.weight";
  if (!source.find(entry)) {
    fail(source.description(), "no Stable Diffusion checkpoint: it has no tensor '{}'", entry);
  }
}

WeightSourcePtr with_diffusers_names(const WeightSourcePtr& source) {
  const std::vector<std::string> names = source->names();
  const LdmLayout layout = ldm_layout(names);
  std::vector<Rename> table;
  for (const std::string& name : names) {
    const auto translated = diffusers_name(name, layout);
    if (!translated) continue;
    table.push_back({*translated, name, {.squeeze = is_ldm_projection(name)}});
  }
  return std::make_shared<Renamed>(source, std::move(table));
}

bool has_vocabulary(const fs::path& folder) {
  return !folder.empty() && fs::exists(folder / "vocab.json") && fs::exists(folder / "merges.txt");
}

void find_vocabulary(const OpenOptions& options, Model& model) {
  std::vector<fs::path> places;
  if (!options.vocabulary_folder.empty()) places.push_back(options.vocabulary_folder);
  if (!options.config_folder.empty()) {
    places.push_back(fs::path(options.config_folder) / "tokenizer");
  }
  places.push_back(user_vocabulary_folder());
  for (const fs::path& place : places) {
    if (has_vocabulary(place)) return read_tokenizer(place, model);
    if (!options.vocabulary_folder.empty()) break;  // what was asked for, or nothing
  }
  std::string looked;
  for (const fs::path& place : places) looked += (looked.empty() ? "" : ", ") + place.string();
  fail(model.path,
       "a single file holds no vocabulary; run tools/get_vocabulary, or name a folder "
       "with vocab.json and merges.txt by --vocabulary (looked in {})",
       looked);
}

}  // namespace

Model open_single_file_model(const std::string& path, const OpenOptions& options) {
  const WeightSourcePtr source =
      open_weights(path, {.variant = {}, .lenient = options.lenient, .warn = options.warn});
  refuse_foreign(*source);
  Model model;
  model.path = path;
  if (!options.config_folder.empty()) read_component_configs(options.config_folder, model);
  model.weights = with_diffusers_names(source);
  find_vocabulary(options, model);
  return model;
}

}  // namespace kiln
