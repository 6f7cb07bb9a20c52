// info: what a model or a picture says of itself.
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include "apps/kiln/commands.h"
#include "apps/kiln/options.h"
#include "models/families/model.h"
#include "models/pipeline/png_text.h"
#include "models/pipeline/stages.h"
#include "runtime/base/align.h"
#include "runtime/base/error.h"

namespace kiln::app {
namespace {

struct InfoArguments {
  std::string path;
  ModelOptions options;
  bool json = false;
};

bool has_png_signature(const std::string& path) {
  std::array<char, 8> head{};
  std::ifstream(path, std::ios::binary).read(head.data(), head.size());
  return is_png(std::as_bytes(std::span(head)));
}

void print_picture(const InfoArguments& arguments) {
  const std::vector<PngText> texts = read_png_text(arguments.path);
  if (arguments.json) {
    nlohmann::json result = nlohmann::json::object();
    for (const PngText& text : texts) result[text.key] = text.text;
    fmt::print("{}\n", result.dump(2));
    return;
  }
  if (texts.empty()) fmt::print("no texts\n");
  for (const PngText& text : texts) fmt::print("[{}]\n{}\n\n", text.key, text.text);
}

struct Count {
  std::size_t tensors = 0;
  std::uint64_t parameters = 0;
};

Count count(const Model& model, const std::string& prefix) {
  Count result;
  for (const std::string& name : model.weights->names()) {
    if (!name.starts_with(prefix)) continue;
    const TensorInfo info = model.weights->find(name).value();
    ++result.tensors;
    result.parameters += checked_elements(info.dims).value_or(0);
  }
  return result;
}

// What the model asks for where the user names nothing; empty: no kiln.json.
nlohmann::json defaults_json(const ModelDefaults& defaults) {
  nlohmann::json json = nlohmann::json::object();
  if (defaults.steps) json["steps"] = *defaults.steps;
  if (defaults.guidance) json["cfg_scale"] = *defaults.guidance;
  if (!defaults.sampler.empty()) json["sampler"] = defaults.sampler;
  if (!defaults.schedule.empty()) json["schedule"] = defaults.schedule;
  return json;
}

void print_model(const InfoArguments& arguments) {
  Terminal terminal(true);
  const OpenOptions options{.config_folder = arguments.options.config_folder,
                            .vocabulary_folder = arguments.options.vocabulary_folder,
                            .lenient = arguments.options.lenient,
                            .warn = [&](std::string_view line) { terminal.warn(line); }};
  const Model model = open_model(arguments.path, options);
  const std::vector<std::string> unused = unused_weights(model);
  nlohmann::json result = {{"model", model.path},
                           {"family", model.family},
                           {"hash", model.hash()},
                           {"native_size", model.native_size},
                           {"scheduler", model.scheduler.class_name},
                           {"defaults", defaults_json(model.defaults)},
                           {"vocabulary", model.tokenizer.size()},
                           {"unused_tensors", unused}};
  for (const char* part : {"text_encoder", "unet", "vae"}) {
    const Count found = count(model, std::string(part) + ".");
    result["parts"][part] = {{"tensors", found.tensors}, {"parameters", found.parameters}};
  }
  if (arguments.json) {
    fmt::print("{}\n", result.dump(2));
    return;
  }
  fmt::print("{}: family {}, {}x{} pixels, scheduler {}, hash {}\n", model.path, model.family,
             model.native_size, model.native_size, model.scheduler.class_name, model.hash());
  for (const auto& [part, found] : result["parts"].items()) {
    fmt::print("  {:<13} {:>5} tensors {:>8.1f} M parameters\n", part,
               found["tensors"].get<std::size_t>(),
               double(found["parameters"].get<std::uint64_t>()) * 1e-6);
  }
  std::string defaults;
  for (const auto& [key, value] : result["defaults"].items()) {
    defaults +=
        fmt::format(" {} {}", key, value.is_string() ? value.get<std::string>() : value.dump());
  }
  if (!defaults.empty()) fmt::print("  defaults:{}\n", defaults);
  if (!unused.empty()) {
    fmt::print("  not used: {} tensors, e.g. {}\n", unused.size(), unused.front());
  }
}

}  // namespace

void add_info(CLI::App& program) {
  const auto arguments = std::make_shared<InfoArguments>();
  CLI::App* command = program.add_subcommand("info", "what a model or a PNG says of itself");
  command->add_option("path", arguments->path,
                      "model folder, checkpoint file or PNG (default: see `kiln models`)");
  command->add_option("--config", arguments->options.config_folder,
                      "for single files: a folder with the component configs");
  command->add_option("--vocabulary", arguments->options.vocabulary_folder,
                      "for single files: a folder with vocab.json and merges.txt");
  command->add_flag("--lenient", arguments->options.lenient, "accept files with holes");
  command->add_flag("--json", arguments->json, "print as JSON");
  command->callback([arguments] {
    if (arguments->path.empty()) arguments->path = default_model();
    if (!std::filesystem::exists(arguments->path)) fail(arguments->path, "no such file or folder");
    if (std::filesystem::is_regular_file(arguments->path) && has_png_signature(arguments->path)) {
      print_picture(*arguments);
    } else {
      print_model(*arguments);
    }
  });
}

}  // namespace kiln::app
