// Requests as JSON in a PNG, and A1111's parameters beside it.
#include "models/pipeline/reproduction.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "models/pipeline/parameters.h"
#include "models/sampling/samplers.h"
#include "runtime/base/error.h"
#include "runtime/weights/json_file.h"
#include "runtime/weights/json_text.h"

namespace kiln {
namespace {

constexpr const char* kVersion = "kiln 0.1.0";

std::string a1111_text(const Request& request, std::uint64_t seed, const PipelineInfo& info) {
  const Sampler* sampler = find_sampler_or_null(
      request.sampling.sampler.empty() ? info.sampler : request.sampling.sampler);
  GenerationParameters parameters;
  parameters.prompt = request.prompt;
  parameters.negative_prompt = request.negative_prompt;
  parameters.steps = request.sampling.steps;
  parameters.sampler = sampler != nullptr ? std::string(sampler->title) : request.sampling.sampler;
  parameters.schedule_type =
      request.sampling.schedule.empty() ? info.schedule : request.sampling.schedule;
  parameters.cfg_scale = request.sampling.guidance;
  parameters.seed = seed;
  parameters.width = request.width;
  parameters.height = request.height;
  parameters.model_hash = info.model_hash.substr(0, 10);
  parameters.model = std::filesystem::path(info.model).stem().string();
  if (request.image != nullptr) parameters.denoising_strength = request.strength;
  parameters.clip_skip = request.clip_skip;
  parameters.rng = request.random == RandomSource::cpu ? "CPU" : "NV";
  parameters.version = kVersion;
  return write_parameters(parameters);
}

nlohmann::json request_json(const Request& request, std::uint64_t seed) {
  nlohmann::json json = {{"prompt", request.prompt},
                         {"negative_prompt", request.negative_prompt},
                         {"width", request.width},
                         {"height", request.height},
                         {"seed", seed},
                         {"rng", request.random == RandomSource::cpu ? "cpu" : "philox"},
                         {"clip_skip", request.clip_skip},
                         {"sampler", request.sampling.sampler},
                         {"schedule", request.sampling.schedule},
                         {"steps", request.sampling.steps},
                         {"cfg_scale", request.sampling.guidance},
                         {"guidance_rescale", request.sampling.guidance_rescale}};
  if (request.sampling.eta) json["eta"] = *request.sampling.eta;
  if (request.image != nullptr) {
    json["strength"] = request.strength;
    json["strength_rule"] = request.strength_rule == StrengthRule::a1111 ? "a1111" : "diffusers";
  }
  return json;
}

nlohmann::json info_json(const PipelineInfo& info) {
  return {{"model", info.model},     {"model_hash", info.model_hash}, {"family", info.family},
          {"device", info.device},   {"driver", info.driver},         {"precision", info.precision},
          {"sampler", info.sampler}, {"schedule", info.schedule},     {"kernels", info.kernel_set}};
}

std::uint64_t seed_of(const Config& json) {
  const std::string text = json.text("seed");
  std::uint64_t seed = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seed);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) {
    fail(json.place(), "seed is '{}', expected a number below 2^64", text.substr(0, 40));
  }
  return seed;
}

Reproduction from_json(const Config& json) {
  const Config from = json.section("request");
  constexpr std::int64_t kMost = 1'000'000;
  Reproduction result;
  Request& request = result.request;
  request.prompt = from.text("prompt", "");
  request.negative_prompt = from.text("negative_prompt", "");
  request.width = std::uint32_t(from.integer("width", 1, kMost));
  request.height = std::uint32_t(from.integer("height", 1, kMost));
  request.seed = seed_of(json);
  request.random = from.text("rng", "philox") == "cpu" ? RandomSource::cpu : RandomSource::philox;
  request.clip_skip = std::uint32_t(from.integer("clip_skip", 1, 1000, 1));
  request.sampling.sampler = from.text("sampler", "");
  request.sampling.schedule = from.text("schedule", "");
  request.sampling.steps = std::uint32_t(from.integer("steps", 1, kMost));
  request.sampling.guidance = float(from.number("cfg_scale", -1e6, 1e6));
  request.sampling.guidance_rescale = float(from.number("guidance_rescale", 0, 1, 0));
  if (from.has("eta")) request.sampling.eta = float(from.number("eta", 0, 1));
  result.from_image = from.has("strength");
  if (result.from_image) {
    request.strength = float(from.number("strength", 0, 1));
    const bool a1111 = from.text("strength_rule", "diffusers") == "a1111";
    request.strength_rule = a1111 ? StrengthRule::a1111 : StrengthRule::diffusers;
  }
  const Config made = json.section("made_by");
  result.info.model = made.text("model", "");
  result.info.model_hash = made.text("model_hash", "");
  result.info.device = made.text("device", "");
  result.info.driver = made.text("driver", "");
  result.info.precision = made.text("precision", "");
  return result;
}

Reproduction from_parameters(const GenerationParameters& parameters) {
  Reproduction result;
  Request& request = result.request;
  request.prompt = parameters.prompt;
  request.negative_prompt = parameters.negative_prompt;
  request.width = parameters.width.value_or(request.width);
  request.height = parameters.height.value_or(request.height);
  request.seed = parameters.seed.value_or(request.seed);
  request.random = parameters.rng == "CPU" ? RandomSource::cpu : RandomSource::philox;
  request.clip_skip = parameters.clip_skip;
  request.sampling.sampler = parameters.sampler;
  request.sampling.schedule = parameters.schedule_type;
  request.sampling.steps = parameters.steps.value_or(request.sampling.steps);
  request.sampling.guidance = parameters.cfg_scale.value_or(request.sampling.guidance);
  result.from_image = parameters.denoising_strength.has_value();
  request.strength = parameters.denoising_strength.value_or(request.strength);
  result.info.model = parameters.model;
  result.info.model_hash = parameters.model_hash;
  return result;
}

}  // namespace

std::vector<PngText> picture_text(const Request& request, std::uint32_t index,
                                  const PipelineInfo& info) {
  const std::uint64_t seed = request.seed + index;
  // The seed is text: JSON numbers lose digits beyond 2^53 in other programs.
  const nlohmann::json ours = {{"version", kVersion},
                               {"seed", std::to_string(seed)},
                               {"request", request_json(request, seed)},
                               {"made_by", info_json(info)}};
  return {{std::string(kParametersKey), a1111_text(request, seed, info)},
          {std::string(kReproductionKey), ours.dump()}};
}

Reproduction read_reproduction(const std::filesystem::path& png) {
  const std::vector<PngText> texts = read_png_text(png);
  const auto find = [&](std::string_view key) {
    return std::find_if(texts.begin(), texts.end(),
                        [&](const PngText& text) { return text.key == key; });
  };
  if (const auto ours = find(kReproductionKey); ours != texts.end()) {
    const Config json = Config::parse(ours->text, png.string() + ", text 'kiln'");
    return from_json(json);
  }
  if (const auto theirs = find(kParametersKey); theirs != texts.end()) {
    return from_parameters(parse_parameters(theirs->text));
  }
  fail(png.string(), "holds neither a 'kiln' nor a 'parameters' text");
}

}  // namespace kiln
