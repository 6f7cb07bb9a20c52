// Shared options: their names as users know them, their ranges, their defaults.
#include "apps/kiln/options.h"

#include <random>

#include "models/pipeline/avoid_list.h"
#include "models/pipeline/memory_budget.h"
#include "runtime/base/error.h"

namespace kiln::app {
namespace {

template <typename Value>
void take(Value& field, const std::optional<Value>& given) {
  if (given) field = *given;
}

void check(bool fine, std::string_view option, std::string_view range, const auto& value) {
  if (!fine) fail_usage(option, "is {}, expected {}", value, range);
}

}  // namespace

void add_repeated(CLI::App& command, const char* name, std::vector<std::string>& to,
                  const char* help) {
  command.add_option(name, to, help)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void add_avoid(CLI::App& command, std::vector<std::string>& kernels) {
  add_repeated(command, "--avoid", kernels, "a kernel to do without; may be given several times");
}

void add_no_tuning(CLI::App& command, bool& flag) {
  command.add_flag("--no-tuning", flag, "leave aside what `kiln tune` found fastest here");
}

void add_max_memory(CLI::App& command, std::string& size) {
  command.add_option("--max-memory", size,
                     "most to use of the device's own memory, such as 2GB or 512MiB; what does not "
                     "fit is done in parts or kept in host memory, or refused");
}

void ModelArguments::add_to(CLI::App& command) {
  command.add_option("-m,--model", options.model,
                     "model: a folder in diffusers layout, a .safetensors or .ckpt file, or "
                     "synthetic:sd15 for random weights (default: see `kiln models`)");
  command.add_option("--config", options.config_folder,
                     "for single files: a folder with the component configs");
  command.add_option("--vocabulary", options.vocabulary_folder,
                     "for single files: a folder with vocab.json and merges.txt");
  command.add_option("-d,--device", options.device, "device: its number or a part of its name");
  command.add_option("--precision", precision, "auto, f32 or f16")->capture_default_str();
  add_max_memory(command, max_memory);
  add_avoid(command, options.avoid);
  command.add_flag("--no-avoid-list", no_avoid_list,
                   "use kernels that `kiln verify` found wrong with this driver, too");
  add_no_tuning(command, no_tuning);
  command.add_flag("--no-pipeline-cache", no_pipeline_cache,
                   "compile all pipelines anew, and keep none for the next run");
  command.add_flag("--lenient", options.lenient, "accept weight files with holes, with a warning");
  command.add_flag("-q,--quiet", quiet, "no progress");
}

ModelOptions ModelArguments::resolve(Terminal& terminal) const {
  ModelOptions resolved = options;
  if (precision == "auto") {
    resolved.precision = Precision::automatic;
  } else if (precision == "f32") {
    resolved.precision = Precision::f32;
  } else if (precision == "f16") {
    resolved.precision = Precision::f16;
  } else {
    fail_usage("--precision", "is '{}', expected auto, f32 or f16", precision);
  }
  resolved.avoid = full_kernel_names(options.avoid);
  resolved.uses_avoid_list = !no_avoid_list;
  resolved.uses_tuning = !no_tuning;
  resolved.keeps_pipelines = !no_pipeline_cache;
  if (!max_memory.empty()) resolved.max_memory_bytes = parse_memory("--max-memory", max_memory);
  resolved.tell = [&terminal](std::string_view line) { terminal.tell(line); };
  resolved.warn = [&terminal](std::string_view line) { terminal.warn(line); };
  return resolved;
}

void RequestArguments::add_to(CLI::App& command) {
  command.add_option("-p,--prompt", prompt, "what to paint");
  command.add_option("-n,--negative-prompt", negative_prompt, "what to keep away from");
  command.add_option("-W,--width", width, "pixels, a multiple of 8 (default: the model's own)");
  command.add_option("-H,--height", height, "pixels, a multiple of 8 (default: the model's own)");
  command.add_option("-s,--seed", seed, "seed; image i uses seed + i; below 0: at random");
  command.add_option("--steps", steps, "sampling steps, 1 to 1000 (default: the model's, else 20)");
  command.add_option("--cfg-scale", guidance,
                     "guidance scale; 1 or less: none (default: the model's, else 7.5)");
  command.add_option("--guidance-rescale", guidance_rescale, "0 to 1 (default 0)");
  command.add_option("--sampler", sampler, "see `kiln samplers` (default: the model's own)");
  command.add_option("--schedule", schedule, "see `kiln samplers` (default: the sampler's own)");
  command.add_option("--eta", eta, "noise of DDIM and ancestral samplers, 0 to 1");
  command.add_option("-b,--batch-count,--images", images, "pictures, 1 to 64 (default 1)");
  command.add_option("--clip-skip", clip_skip, "text encoder layers left out plus one (default 1)");
  command.add_option("--rng", random, "philox (as torch on CUDA) or cpu (as torch on a CPU)");
}

void RequestArguments::add_strength_to(CLI::App& command) {
  command.add_option("--strength", strength, "0: the picture itself, 1: all steps (default 0.75)");
  command.add_option("--strength-rule", strength_rule,
                     "how strength becomes steps: diffusers or a1111 (default diffusers)");
}

Request RequestArguments::resolve(Request request) const {
  take(request.prompt, prompt);
  take(request.negative_prompt, negative_prompt);
  take(request.width, width);
  take(request.height, height);
  take(request.images, images);
  take(request.clip_skip, clip_skip);
  take(request.sampling.steps, steps);
  take(request.sampling.guidance, guidance);
  take(request.sampling.guidance_rescale, guidance_rescale);
  take(request.sampling.sampler, sampler);
  take(request.sampling.schedule, schedule);
  take(request.strength, strength);
  if (eta) request.sampling.eta = eta;
  if (seed) request.seed = *seed < 0 ? std::random_device{}() : std::uint64_t(*seed);
  if (random) {
    check(*random == "philox" || *random == "cpu", "--rng", "philox or cpu", *random);
    request.random = *random == "cpu" ? RandomSource::cpu : RandomSource::philox;
  }
  if (strength_rule) {
    check(*strength_rule == "diffusers" || *strength_rule == "a1111", "--strength-rule",
          "diffusers or a1111", *strength_rule);
    request.strength_rule =
        *strength_rule == "a1111" ? StrengthRule::a1111 : StrengthRule::diffusers;
  }
  return request;
}

}  // namespace kiln::app
