// encode and decode: a picture to latents in a safetensors file, and back.
#include <fmt/format.h>

#include <memory>

#include "apps/kiln/commands.h"
#include "apps/kiln/options.h"
#include "models/pipeline/latents_file.h"
#include "runtime/base/error.h"

namespace kiln::app {
namespace {

struct LatentsArguments {
  ModelArguments model;
  std::string input, output;
  std::optional<std::int64_t> seed;
};

CLI::App* add(CLI::App& program, const char* name, const char* help, const char* input,
              const char* output, const std::shared_ptr<LatentsArguments>& arguments) {
  CLI::App* command = program.add_subcommand(name, help);
  arguments->model.add_to(*command);
  command->add_option("-i,--input", arguments->input, input)->required();
  command->add_option("-o,--output", arguments->output, output)->required();
  return command;
}

void encode(const LatentsArguments& arguments) {
  Terminal terminal(arguments.model.quiet);
  const Image image = load_image(arguments.input);
  Pipeline pipeline(arguments.model.resolve(terminal));
  std::vector<std::uint64_t> seeds;
  if (arguments.seed) seeds.push_back(std::uint64_t(*arguments.seed));
  save_latents(arguments.output, pipeline.encode_image(image, seeds));
  fmt::print("{}\n", arguments.output);
}

void decode(const LatentsArguments& arguments) {
  Terminal terminal(arguments.model.quiet);
  const Latents latents = load_latents(arguments.input);
  Pipeline pipeline(arguments.model.resolve(terminal));
  const std::vector<Image> pictures = pipeline.decode(latents);
  if (pictures.size() != 1) {
    fail("--input", "{} holds {} latents; decode one at a time", arguments.input, pictures.size());
  }
  save_png(arguments.output, pictures[0], {});
  fmt::print("{}\n", arguments.output);
}

}  // namespace

void add_encode(CLI::App& program, const std::shared_ptr<Profile>& profile) {
  const auto arguments = std::make_shared<LatentsArguments>();
  arguments->model.options.profile = profile;
  CLI::App* command = add(program, "encode", "latents of a picture", "PNG or JPEG",
                          "safetensors file to write: tensor \"latents\"", arguments);
  command->add_option("-s,--seed", arguments->seed,
                      "sample the distribution with this seed (default: its mean)");
  command->callback([arguments] { encode(*arguments); });
}

void add_decode(CLI::App& program, const std::shared_ptr<Profile>& profile) {
  const auto arguments = std::make_shared<LatentsArguments>();
  arguments->model.options.profile = profile;
  CLI::App* command =
      add(program, "decode", "the picture of latents", "safetensors file with a tensor \"latents\"",
          "PNG file to write", arguments);
  command->callback([arguments] { decode(*arguments); });
}

}  // namespace kiln::app
