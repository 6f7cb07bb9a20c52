// models: where a model is looked for when none is named, and what is there.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "apps/kiln/commands.h"
#include "models/families/model.h"
#include "runtime/base/error.h"

namespace kiln::app {
namespace {

// A place and what opening it says.
struct Found {
  ModelPlace place;
  bool is_default = false;
  std::string family, problem;  // problem: why it does not load; empty: it does, or is absent
  std::uint32_t native_size = 0;
};

std::vector<Found> look() {
  std::vector<Found> all;
  bool chosen = false;
  for (ModelPlace& place : model_places()) {
    Found found;
    found.place = std::move(place);
    // What KILN_MODEL names is never passed over.
    const bool is_first = !chosen && (found.place.present || found.place.name == "KILN_MODEL");
    found.is_default = is_first;
    chosen = chosen || is_first;
    if (found.place.present) {
      try {
        const Model model = open_model(found.place.path, {});
        found.family = model.family;
        found.native_size = model.native_size;
      } catch (const Error& error) {
        found.problem = error.what();
      }
    } else if (is_first) {
      found.problem = "no such file or folder";
    }
    all.push_back(std::move(found));
  }
  return all;
}

void print_json(const std::vector<Found>& all) {
  nlohmann::json list = nlohmann::json::array();
  for (const Found& found : all) {
    nlohmann::json entry = {{"place", found.place.name},
                            {"path", found.place.path},
                            {"present", found.place.present},
                            {"default", found.is_default}};
    if (!found.family.empty()) {
      entry["family"] = found.family;
      entry["native_size"] = found.native_size;
    }
    if (!found.problem.empty()) entry["problem"] = found.problem;
    list.push_back(std::move(entry));
  }
  fmt::print("{}\n", list.dump(2));
}

void print_table(const std::vector<Found>& all) {
  bool any = false;
  for (const Found& found : all) {
    std::string state = "not there";
    if (!found.family.empty()) {
      state = fmt::format("{}, {}x{}", found.family, found.native_size, found.native_size);
    } else if (!found.problem.empty()) {
      state = "cannot be used: " + found.problem;
    }
    any = any || found.is_default;
    fmt::print("{} {:<10} {}  ({})\n", found.is_default ? '*' : ' ', found.place.name,
               found.place.path, state);
  }
  fmt::print("\n{}; -m names any other, KILN_MODEL another default\n",
             any ? "* is used where no model is named" : "no model is there to use by default");
}

}  // namespace

void add_models(CLI::App& program) {
  CLI::App* command =
      program.add_subcommand("models", "the models used where none is named, and where they lie");
  const auto json = std::make_shared<bool>(false);
  command->add_flag("--json", *json, "print as JSON");
  command->callback([json] {
    const std::vector<Found> all = look();
    *json ? print_json(all) : print_table(all);
  });
}

}  // namespace kiln::app
