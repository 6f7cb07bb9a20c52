// The two ways a model lies on disk, behind open_model().
#pragma once

#include <filesystem>
#include <string>

#include "models/families/model.h"

namespace kiln {

Model open_folder_model(const std::string& path, const OpenOptions& options);
Model open_single_file_model(const std::string& path, const OpenOptions& options);

// Fills the configs (not weights, not tokenizer) from the component folders below `folder`.
void read_component_configs(const std::filesystem::path& folder, Model& model);
// Fills tokenizer and pad_id from a folder with vocab.json and merges.txt.
void read_tokenizer(const std::filesystem::path& folder, Model& model);

}  // namespace kiln
