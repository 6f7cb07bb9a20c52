// Finds the model that is used when none is named.
#include "models/pipeline/model_places.h"

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "models/families/model.h"
#include "runtime/base/error.h"

namespace kiln {
namespace {

namespace fs = std::filesystem;

constexpr const char* kEnvironment = "KILN_MODEL";
constexpr const char* kFolder = "bundled";

// The share folder that belongs to the file this code was loaded from: program or shared library.
fs::path installed_share() {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  Dl_info loaded{};
  const bool known = dladdr(reinterpret_cast<const void*>(&installed_share), &loaded) != 0;
  const fs::path file = known ? fs::canonical(loaded.dli_fname, error) : fs::path();
  const bool in_library = file.filename().string().find(".so") != std::string::npos;
  return in_library ? (file.parent_path() / KILN_DATA_FROM_LIBRARY).lexically_normal()
                    : (program.parent_path() / KILN_DATA_FROM_PROGRAM).lexically_normal();
}

ModelPlace place(const char* name, const fs::path& path) {
  std::error_code error;
  return {.name = name, .path = path.string(), .present = fs::exists(path, error)};
}

}  // namespace

ModelSearch model_search() {
  const char* named = std::getenv(kEnvironment);
  return {.from_environment = named != nullptr ? named : "",
          .user_data = user_data_folder(),
          .installed_data = (installed_share() / "kiln").string(),
          .source_models = KILN_SOURCE_MODELS};
}

std::vector<ModelPlace> model_places(const ModelSearch& search) {
  std::vector<ModelPlace> places;
  if (!search.from_environment.empty()) {
    places.push_back(place(kEnvironment, search.from_environment));
  }
  places.push_back(place("user", fs::path(search.user_data) / "models" / kFolder));
  places.push_back(place("installed", fs::path(search.installed_data) / "models" / kFolder));
  places.push_back(place("source", fs::path(search.source_models) / kFolder));
  return places;
}

std::string default_model(const ModelSearch& search) {
  std::string looked;
  for (const ModelPlace& place : model_places(search)) {
    if (place.present) return place.path;
    if (place.name == kEnvironment) {
      fail(kEnvironment, "is '{}': no such file or folder", place.path);
    }
    looked += (looked.empty() ? "" : ", ") + place.path;
  }
  fail("--model", "none is named and there is none in {}; name one, or set {}", looked,
       kEnvironment);
}

std::vector<ModelPlace> model_places() { return model_places(model_search()); }
std::string default_model() { return default_model(model_search()); }

}  // namespace kiln
