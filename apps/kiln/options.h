// Options several commands share, and how they become the library's requests.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "apps/kiln/terminal.h"
#include "models/pipeline/kiln.h"

namespace kiln::app {

// An option that takes one word each time it is given, as often as wanted.
void add_repeated(CLI::App& command, const char* name, std::vector<std::string>& to,
                  const char* help);

// --avoid KERNEL, as often as wanted.
void add_avoid(CLI::App& command, std::vector<std::string>& kernels);

// --no-tuning.
void add_no_tuning(CLI::App& command, bool& flag);

// --max-memory SIZE, such as 2GB.
void add_max_memory(CLI::App& command, std::string& size);

// -m --model, --config, --vocabulary, --device, --precision, --max-memory, --avoid,
// --no-avoid-list, --no-tuning, --no-pipeline-cache, --lenient, --quiet
struct ModelArguments {
  ModelOptions options;
  std::string precision = "auto", max_memory;
  bool quiet = false, no_avoid_list = false, no_pipeline_cache = false, no_tuning = false;

  void add_to(CLI::App& command);
  // Checks the words and adds the terminal's warnings.
  ModelOptions resolve(Terminal& terminal) const;
};

// -p --prompt ... --rng: everything a Request holds. Fields not given on the command line keep what
// `base` says, so that --from can fill them first.
struct RequestArguments {
  std::optional<std::string> prompt, negative_prompt, sampler, schedule, random, strength_rule;
  std::optional<std::uint32_t> width, height, images, steps, clip_skip;
  std::optional<std::int64_t> seed;
  std::optional<float> guidance, guidance_rescale, eta, strength;

  void add_to(CLI::App& command);
  void add_strength_to(CLI::App& command);
  // Throws Error (usage) naming the option and its range. A seed below 0 is drawn at random.
  Request resolve(Request base) const;
};

}  // namespace kiln::app
