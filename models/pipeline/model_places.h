// Where a model is looked for when none is named, for an environment of the caller's choice.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "models/pipeline/kiln.h"

namespace kiln {

struct ModelSearch {
  std::string from_environment;  // KILN_MODEL; empty: not set
  std::string user_data;         // ".../kiln"
  std::string installed_data;    // ".../share/kiln"
  std::string source_models;     // a source tree's folder models
};

// The search of this process.
ModelSearch model_search();

// See model_places() and default_model(), which use model_search().
std::vector<ModelPlace> model_places(const ModelSearch& search);
std::string default_model(const ModelSearch& search);

}  // namespace kiln
