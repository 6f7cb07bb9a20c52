// Opens a model in diffusers layout: model_index.json and a folder for each component.
#include <array>
#include <filesystem>

#include "models/families/configs.h"
#include "models/families/open_model.h"
#include "runtime/base/error.h"
#include "runtime/weights/folder.h"
#include "runtime/weights/joined.h"
#include "runtime/weights/renamed.h"

namespace kiln {
namespace {

namespace fs = std::filesystem;

// Components this program would need but does not have; present in other families.
constexpr std::pair<std::string_view, std::string_view> kForeignKeys[] = {
    {"transformer", "a diffusion transformer (SD3, FLUX)"},
    {"text_encoder_2", "a second text encoder (SDXL)"},
    {"text_encoder_3", "a third text encoder (SD3)"},
    {"image_encoder", "an image encoder"},
};

void check_index(const fs::path& folder) {
  const fs::path file = folder / "model_index.json";
  if (!fs::exists(file)) return;
  const Config index = Config::read(file);
  for (const auto& [key, meaning] : kForeignKeys) {
    if (index.has(key) && index.is_list(key)) {
      fail(index.place(), "the model has {} ('{}'), which is not supported yet", meaning, key);
    }
  }
}

Config component_config(const fs::path& folder, std::string_view component, std::string_view file) {
  if (!fs::is_directory(folder / component)) {
    fail(folder.string(), "the model's folder '{}' is missing", component);
  }
  return Config::read(folder / component / file);
}

// Attention of the autoencoder under the names diffusers used before version 0.18.
constexpr std::pair<std::string_view, std::string_view> kOldAttention[] = {
    {"query", "to_q"}, {"key", "to_k"}, {"value", "to_v"}, {"proj_attn", "to_out.0"}};

WeightSourcePtr with_new_vae_names(WeightSourcePtr vae) {
  std::vector<Rename> table;
  bool old = false;
  for (const std::string& name : vae->names()) {
    Rename rename{name, name, {}};
    for (const auto& [from, to] : kOldAttention) {
      const std::string middle = "attentions.0." + std::string(from) + ".";
      const std::size_t at = name.find(middle);
      if (at == std::string::npos) continue;
      rename.new_name = name.substr(0, at) + "attentions.0." + std::string(to) +
                        name.substr(at + middle.size() - 1);
      rename.transform.squeeze = name.ends_with(".weight");
      old = true;
    }
    table.push_back(std::move(rename));
  }
  if (!old) return vae;
  return std::make_shared<Renamed>(std::move(vae), std::move(table));
}

}  // namespace

void read_component_configs(const fs::path& folder, Model& model) {
  const Config unet = component_config(folder, "unet", "config.json");
  model.unet = unet_config(unet);
  model.vae = vae_config(component_config(folder, "vae", "config.json"));
  model.text = text_encoder_config(component_config(folder, "text_encoder", "config.json"));
  model.native_size =
      std::uint32_t(unet.integer("sample_size", 1, 4096, 64)) * model.vae.downscale();
  const fs::path scheduler = folder / "scheduler" / "scheduler_config.json";
  if (fs::exists(scheduler)) model.scheduler = read_scheduler_config(scheduler);
}

Model open_folder_model(const std::string& path, const OpenOptions& options) {
  const fs::path folder = path;
  check_index(folder);
  Model model;
  model.path = path;
  read_component_configs(folder, model);
  model.defaults = read_model_defaults(folder, model.scheduler);
  read_tokenizer(folder / "tokenizer", model);
  const WeightChoice choice{.variant = {}, .lenient = options.lenient, .warn = options.warn};
  const auto component = [&](const char* name) {
    return open_component_folder(folder / name, choice);
  };
  model.weights = std::make_shared<Joined>(
      path, std::vector<Joined::Part>{{"text_encoder.", component("text_encoder")},
                                      {"unet.", component("unet")},
                                      {"vae.", with_new_vae_names(component("vae"))}});
  return model;
}

}  // namespace kiln
