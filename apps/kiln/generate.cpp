// txt2img and img2img: a request from the command line or a picture, PNG files out.
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "apps/kiln/commands.h"
#include "apps/kiln/options.h"
#include "models/pipeline/reproduction.h"
#include "runtime/base/error.h"

namespace kiln::app {
namespace {

struct GenerateArguments {
  ModelArguments model;
  RequestArguments request;
  std::string output = "kiln.png", from, image;
  bool json = false;
};

// "a.png" for one picture; "a-0.png", "a-1.png", ... for several.
std::filesystem::path numbered(const std::filesystem::path& path, std::uint32_t index,
                               std::uint32_t count) {
  if (count == 1) return path;
  std::filesystem::path result = path;
  result.replace_filename(
      fmt::format("{}-{}{}", path.stem().string(), index, path.extension().string()));
  return result;
}

void check_output(const std::filesystem::path& output) {
  if (output.extension() != ".png") {
    fail_usage("--output", "'{}' does not end in .png; PNG is the format written", output.string());
  }
  const std::filesystem::path folder = output.parent_path();
  if (!folder.empty() && !std::filesystem::is_directory(folder)) {
    fail("--output", "'{}' is no folder", folder.string());
  }
}

// Reports what was written: paths on stdout, or one JSON object.
void report(const GenerateArguments& arguments, const Request& request, const Pipeline& pipeline,
            const std::vector<std::string>& files) {
  if (!arguments.json) {
    for (const std::string& file : files) fmt::print("{}\n", file);
    return;
  }
  const PipelineInfo info = pipeline.info();
  const MemoryFigures memory = pipeline.memory();
  const nlohmann::json bytes = {{"planned", memory.planned_bytes},   {"peak", memory.peak_bytes},
                                {"weights", memory.weight_bytes},    {"arena", memory.arena_bytes},
                                {"shared", memory.persistent_bytes}, {"host", memory.host_bytes},
                                {"measures", memory.measures}};
  nlohmann::json result = {{"files", files},
                           {"seed", request.seed},
                           {"width", request.width},
                           {"height", request.height},
                           {"steps", request.sampling.steps},
                           {"device", info.device},
                           {"driver", info.driver},
                           {"precision", info.precision},
                           {"model_hash", info.model_hash},
                           {"memory", bytes}};
  fmt::print("{}\n", result.dump());
}

void run(const GenerateArguments& arguments, bool needs_image) {
  check_output(arguments.output);
  Terminal terminal(arguments.model.quiet);
  ModelArguments model = arguments.model;
  Reproduction base;
  if (!arguments.from.empty()) {
    base = read_reproduction(arguments.from);
    if (model.options.model.empty()) model.options.model = base.info.model;
  }
  if (base.from_image && !needs_image) {
    fail_usage("--from", "'{}' was made by img2img; use kiln img2img --from with its --image",
               arguments.from);
  }
  Image image;
  if (needs_image) image = load_image(arguments.image);

  Pipeline pipeline(model.resolve(terminal));
  const PipelineInfo info = pipeline.info();
  if (arguments.from.empty()) {
    base.request = pipeline.default_request();
    // The model's schedule goes with the model's sampler.
    if (arguments.request.sampler) base.request.sampling.schedule.clear();
  }
  Request request = arguments.request.resolve(base.request);
  if (!arguments.from.empty() && base.info.model_hash != info.model_hash) {
    terminal.warn(fmt::format("the picture was made with model {} ({}), this is {} ({})",
                              base.info.model, base.info.model_hash, info.model, info.model_hash));
  }
  if (needs_image) request.image = &image;
  request.progress = [&](const Progress& progress) { return terminal.show(progress); };

  const std::vector<Image> pictures = pipeline.generate(request);
  std::vector<std::string> files;
  for (std::uint32_t i = 0; i < pictures.size(); ++i) {
    const std::filesystem::path file =
        numbered(arguments.output, i, std::uint32_t(pictures.size()));
    save_png(file, pictures[i], picture_text(request, i, info));
    files.push_back(file.string());
  }
  report(arguments, request, pipeline, files);
}

CLI::App* add(CLI::App& program, const char* name, const char* help,
              const std::shared_ptr<GenerateArguments>& arguments,
              const std::shared_ptr<Profile>& profile) {
  arguments->model.options.profile = profile;
  CLI::App* command = program.add_subcommand(name, help);
  arguments->model.add_to(*command);
  arguments->request.add_to(*command);
  command->add_option("-o,--output", arguments->output, "PNG file to write")->capture_default_str();
  command->add_option("--from", arguments->from, "repeat the settings stored in this PNG");
  command->add_flag("--json", arguments->json, "print the result as JSON");
  return command;
}

}  // namespace

void add_txt2img(CLI::App& program, const std::shared_ptr<Profile>& profile) {
  const auto arguments = std::make_shared<GenerateArguments>();
  CLI::App* command = add(program, "txt2img", "a picture from words", arguments, profile);
  command->callback([arguments] { run(*arguments, false); });
}

void add_img2img(CLI::App& program, const std::shared_ptr<Profile>& profile) {
  const auto arguments = std::make_shared<GenerateArguments>();
  CLI::App* command =
      add(program, "img2img", "a picture from a picture and words", arguments, profile);
  command->add_option("-i,--image", arguments->image, "PNG or JPEG to start from")->required();
  arguments->request.add_strength_to(*command);
  command->callback([arguments] { run(*arguments, true); });
}

}  // namespace kiln::app
