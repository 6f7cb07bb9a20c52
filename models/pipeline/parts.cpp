// Recording and running the stages of a pipeline.
#include "models/pipeline/parts.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "models/pipeline/avoid_list.h"
#include "models/pipeline/host_data.h"
#include "models/pipeline/pipeline_cache.h"
#include "models/pipeline/tuning_file.h"
#include "models/sampling/pick_latent.h"
#include "runtime/base/error.h"
#include "runtime/ops/device_class.h"

namespace kiln {
namespace {

DType element_for(Precision precision, const PhysicalDeviceInfo& device) {
  const bool stores_halves = device.profile.serves(kNeedStorage16);
  if (precision == Precision::f16 && !stores_halves) {
    fail_usage("precision", "f16: {} has no 16-bit storage; use f32", device.profile.name);
  }
  if (precision == Precision::automatic) {
    return prefers_halves(device.profile) ? DType::f16 : DType::f32;
  }
  return precision == Precision::f16 ? DType::f16 : DType::f32;
}

// Two 32-bit words a seed, low first, as the kernels read them.
std::vector<std::uint32_t> seed_words(const std::vector<std::uint64_t>& seeds) {
  std::vector<std::uint32_t> words;
  for (const std::uint64_t seed : seeds) {
    words.push_back(std::uint32_t(seed));
    words.push_back(std::uint32_t(seed >> 32));
  }
  return words;
}

// At most this much of a prompt that was cut is shown in the warning.
constexpr std::size_t kMostShown = 200;

Model open(const ModelOptions& options) {
  const std::string path = options.model.empty() ? default_model() : options.model;
  return open_model(path, {.config_folder = options.config_folder,
                           .vocabulary_folder = options.vocabulary_folder,
                           .lenient = options.lenient,
                           .warn = options.warn});
}

}  // namespace

Pipeline::Parts::Parts(const ModelOptions& model_options)
    : options(model_options),
      model(open(model_options)),
      device({.selector = model_options.device, .on_message = {}}),
      element(element_for(model_options.precision, device.info())),
      executor(device.device(), model_options.profile) {
  choose_avoided_kernels();
  if (options.uses_tuning) device.tune(read_tuning(device.profile(), options.warn));
  if (!options.keeps_pipelines) return;
  const std::vector<std::byte> kept = read_pipeline_cache(device.profile(), options.warn);
  kept_bytes_ = kept.size();
  executor.use_kept_pipelines(kept);
}

Pipeline::Parts::~Parts() {
  if (!options.keeps_pipelines || executor.pipelines() == 0) return;
  try {
    const std::vector<std::byte> pipelines = executor.pipelines_to_keep();
    if (pipelines.size() != kept_bytes_) write_pipeline_cache(device.profile(), pipelines);
  } catch (const std::exception& error) {  // a picture is not lost for want of a cache
    warn(fmt::format("pipelines are not kept for the next run: {}", error.what()));
  }
}

void Pipeline::Parts::choose_avoided_kernels() {
  std::vector<std::string> kernels = options.avoid;
  if (options.uses_avoid_list) {
    const std::vector<std::string> known = read_avoid_list(device.profile(), options.warn);
    if (!known.empty()) {
      warn(
          fmt::format("avoiding {}: wrong on this driver, says kiln verify (--no-avoid-list uses "
                      "them all the same)",
                      fmt::join(known, ", ")));
    }
    kernels.insert(kernels.end(), known.begin(), known.end());
  }
  device.avoid(full_kernel_names(kernels));
}

void Pipeline::Parts::warn(const std::string& line) const {
  if (options.warn) options.warn(line);
}

void Pipeline::Parts::report(const ProgressFunction& progress, const Progress& state) {
  if (!progress || progress(state)) return;
  executor.wait_idle();
  throw Error(fmt::format("[{}] cancelled", state.phase), Fault::cancelled);
}

StageTarget Pipeline::Parts::target() const {
  return {.element = element, .device = &device.profile(), .measures = fitted_.measures};
}

std::unique_ptr<Stage> Pipeline::Parts::prepare(Plan plan) {
  return executor.prepare(std::move(plan));
}

void Pipeline::Parts::prepare_text(std::uint32_t prompts, std::uint32_t skip) {
  if (text_ && text_prompts_ == prompts && text_skip_ == skip) return;
  text_.reset();
  if (shape_.prompts() != prompts) {  // they share what comes of the prompts
    start_.reset();
    denoise_.reset();
  }
  text_ = prepare(plan_text(model, target(), prompts, skip));
  text_prompts_ = prompts;
  text_skip_ = skip;
}

void Pipeline::Parts::forget_sizes_other_than(const StageShape& shape) {
  if (shape_.sampler != shape.sampler) {
    encode_.reset();
    start_.reset();
    denoise_.reset();
    decode_.reset();
  }
  if (shape_.from_image != shape.from_image || shape_.guided != shape.guided) start_.reset();
  if (shape_.guided != shape.guided || shape_.rescaled != shape.rescaled) denoise_.reset();
  if (text_ && text_prompts_ != shape.prompts()) text_.reset();
  shape_ = shape;
}

void Pipeline::Parts::prepare_denoise(const StageShape& shape) {
  forget_sizes_other_than(shape);
  if (!start_) start_ = prepare(plan_start(model, target(), shape));
  if (!denoise_) denoise_ = prepare(plan_denoise(model, target(), shape));
}

void Pipeline::Parts::prepare_encode(const StageShape& shape, NoiseSource noise) {
  forget_sizes_other_than(shape);
  if (encode_ && encode_noise_ == noise) return;
  encode_.reset();
  encode_ = prepare(plan_encode(model, target(), shape, noise));
  encode_noise_ = noise;
}

void Pipeline::Parts::prepare_decode(const StageShape& shape) {
  forget_sizes_other_than(shape);
  if (!decode_) decode_ = prepare(plan_decode(model, target(), shape));
}

std::vector<std::uint32_t> Pipeline::Parts::token_ids(
    const std::vector<std::string>& prompts) const {
  std::vector<std::uint32_t> ids;
  std::string cut_before;  // images share prompts: one warning each
  for (const std::string& prompt : prompts) {
    const PaddedTokens tokens =
        model.tokenizer.encode_padded(prompt, model.text.positions, model.pad_id);
    ids.insert(ids.end(), tokens.ids.begin(), tokens.ids.end());
    if (tokens.cut_text.empty() || tokens.cut_text == cut_before) continue;
    cut_before = tokens.cut_text;
    std::string shown = tokens.cut_text.substr(0, kMostShown);
    while (!shown.empty() && (tokens.cut_text[shown.size() - 1] & 0x80) != 0 &&
           shown.size() < tokens.cut_text.size()) {
      shown.pop_back();  // no part of a character
    }
    warn(fmt::format("the prompt is longer than {} tokens; left out: \"{}{}\"",
                     model.text.positions, shown,
                     shown.size() < tokens.cut_text.size() ? "..." : ""));
  }
  return ids;
}

void Pipeline::Parts::run_text(const std::vector<std::string>& prompts, std::uint32_t clip_skip) {
  const std::vector<std::uint32_t> ids = token_ids(prompts);
  prepare_text(std::uint32_t(prompts.size()), clip_skip - 1);
  executor.write_values(stage_tensor::kIds, ids);
  text_->submit();
}

void Pipeline::Parts::run_encode(const Image& image, const StageShape& shape,
                                 const std::vector<std::uint64_t>& seeds, RandomSource source) {
  const bool uploaded = source == RandomSource::cpu && !seeds.empty();
  const NoiseSource noise = seeds.empty() ? NoiseSource::none
                            : uploaded    ? NoiseSource::uploaded
                                          : NoiseSource::philox;
  prepare_encode(shape, noise);
  executor.write_values(stage_tensor::kImage, image_values(image));
  if (!seeds.empty()) executor.write_values(sampler_tensor::kSeeds, seed_words(seeds));
  if (uploaded) {
    const std::uint64_t elements = shape.sampler.latent.elements() / shape.images();
    executor.write_values(sampler_tensor::kPosteriorNoise, cpu_noise(seeds, 1, elements));
  }
  encode_->submit();
}

void Pipeline::Parts::write_noise(const DenoiseRequest& request, const StageShape& shape) {
  if (shape.sampler.noise != NoiseSource::uploaded) return;
  const Shape latent = shape.sampler.latent;
  std::vector<float> noise;
  if (request.noise.empty()) {
    // The encoder's draw came first from the same generator.
    const std::uint32_t skipped = shape.sampler.first_draw;
    noise = cpu_noise(request.seeds, skipped + shape.sampler.uploaded_draws,
                      latent.elements() / latent.batch);
    noise.erase(noise.begin(), noise.begin() + std::ptrdiff_t(skipped * latent.elements()));
  }
  for (const Latents& draw : request.noise) {
    if (draw.values.size() != latent.elements()) {
      fail_usage("noise", "holds {} values, expected {}", draw.values.size(), latent.elements());
    }
    noise.insert(noise.end(), draw.values.begin(), draw.values.end());
  }
  const std::uint64_t room = shape.sampler.uploaded_draws * latent.elements();
  if (noise.size() < room) {
    fail_usage("noise", "holds {} values, the sampler asks for {}", noise.size(), room);
  }
  noise.resize(room);
  executor.write_values(sampler_tensor::kNoise, noise);
}

void Pipeline::Parts::run_rows(const DenoiseRequest& request, const StageShape& shape,
                               const StepTable& table) {
  const auto rows = std::uint32_t(table.rows.size());
  if (rows > shape.sampler.rows) {
    fail_usage("steps", "need {} network evaluations, the most is {}", rows, shape.sampler.rows);
  }
  std::vector<StepRow> room(shape.sampler.rows);
  std::copy(table.rows.begin(), table.rows.end(), room.begin());
  executor.write(sampler_tensor::kTable, std::as_bytes(std::span(room)));
  executor.write_values(sampler_tensor::kSeeds, seed_words(request.seeds));
  executor.write_values(sampler_tensor::kStart,
                        shape.from_image ? std::vector<float>{table.clean_scale, table.noise_scale}
                                         : std::vector<float>{0.0f, table.initial_scale});
  write_noise(request, shape);
  start_->submit();
  std::uint64_t before = 0;
  for (std::uint32_t row = 0; row < rows; ++row) {
    const std::uint64_t value = denoise_->submit();
    // One row stays in flight while the host looks at the one before.
    if (before != 0) executor.wait(before);
    before = value;
    if (request.trace) request.trace(row, read_latents(shape.sampler.latent));
    report(request.progress, {"denoise", row, rows});
  }
  if (before != 0) executor.wait(before);
  report(request.progress, {"denoise", rows, rows});
}

std::vector<Image> Pipeline::Parts::run_decode(const StageShape& shape,
                                               const ProgressFunction& progress) {
  prepare_decode(shape);
  const Shape latent = shape.sampler.latent;
  std::vector<Image> pictures;
  for (std::uint32_t i = 0; i < latent.batch; ++i) {
    report(progress, {"decode", i, latent.batch});
    executor.write_values(kPickedImage, std::vector<std::uint32_t>{i});
    decode_->submit();
    Image picture{latent.width * model.vae.downscale(), latent.height * model.vae.downscale(), {}};
    picture.rgb.resize(std::size_t(picture.width) * picture.height * 3);
    executor.read(stage_tensor::kPicture, std::as_writable_bytes(std::span(picture.rgb)));
    pictures.push_back(std::move(picture));
  }
  report(progress, {"decode", latent.batch, latent.batch});
  return pictures;
}

Latents Pipeline::Parts::read_latents(const Shape& latent) {
  std::vector<float> slots = executor.read_values<float>(sampler_tensor::kSlots);
  slots.resize(latent.elements());  // slot 0 comes first
  return {latent.batch, latent.channels, latent.height, latent.width,
          to_channels_first(slots, latent)};
}

}  // namespace kiln
