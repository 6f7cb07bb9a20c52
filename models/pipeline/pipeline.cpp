// The public calls: checks, the order of the stages, and what crosses to the host.
#include <algorithm>
#include <utility>

#include "models/pipeline/host_data.h"
#include "models/pipeline/parts.h"
#include "models/pipeline/request_check.h"
#include "models/pipeline/resize.h"
#include "runtime/base/error.h"

namespace kiln {
namespace {

std::vector<std::uint64_t> image_seeds(std::uint64_t first, std::uint32_t count) {
  std::vector<std::uint64_t> seeds(count);
  for (std::uint32_t i = 0; i < count; ++i) seeds[i] = first + i;
  return seeds;
}

// Fills in what the noise asks of the stages.
void shape_noise(StageShape& shape, const DenoiseRequest& request, const StepTable& table) {
  const bool uploaded = !request.noise.empty() || request.random == RandomSource::cpu;
  shape.sampler.noise = uploaded ? NoiseSource::uploaded : NoiseSource::philox;
  shape.sampler.uploaded_draws = uploaded ? table.noise_draws + 1 : 1;
  shape.sampler.first_draw = shape.from_image ? 1 : 0;
}

void check_embeddings(std::string_view name, const Embeddings& got, std::uint32_t images,
                      const Model& model) {
  const std::uint64_t expected =
      std::uint64_t(images) * model.text.positions * model.unet.context_channels;
  if (got.images != images || got.values.size() != expected) {
    fail_usage(name, "holds {} images and {} values, expected {} and {}", got.images,
               got.values.size(), images, expected);
  }
}

}  // namespace

Pipeline::Pipeline(const ModelOptions& options) : parts_(std::make_unique<Parts>(options)) {}
Pipeline::~Pipeline() = default;
Pipeline::Pipeline(Pipeline&&) noexcept = default;
Pipeline& Pipeline::operator=(Pipeline&&) noexcept = default;

std::vector<Image> Pipeline::generate(const Request& request) {
  Parts& parts = *parts_;
  check_request(request, parts.model);
  DenoiseRequest rows;
  rows.seeds = image_seeds(request.seed, request.images);
  rows.random = request.random;
  rows.progress = request.progress;
  const bool from_image = request.image != nullptr;
  const StepTable table = step_table(request.sampling, parts.model,
                                     from_image ? request.strength : -1, request.strength_rule);
  StageShape shape = stage_shape(parts.model, request.width, request.height, request.images,
                                 request.sampling.guidance > 1);
  shape.rescaled = request.sampling.guidance_rescale > 0 && shape.guided;
  shape.from_image = from_image;
  shape_noise(shape, rows, table);

  std::vector<std::string> prompts;
  if (shape.guided) prompts.assign(request.images, request.negative_prompt);
  prompts.insert(prompts.end(), request.images, request.prompt);
  parts.report(request.progress, {"load", 0, 0});
  parts.fit({.shape = shape,
             .prompts = shape.prompts(),
             .skip = request.clip_skip - 1,
             .encode = from_image,
             .denoise = true,
             .decode = true,
             .noise = shape.sampler.noise});
  // All before the first runs, the hungriest first: growing the arena records a stage again.
  parts.prepare_decode(shape);
  parts.prepare_denoise(shape);
  parts.prepare_text(shape.prompts(), request.clip_skip - 1);
  parts.run_text(prompts, request.clip_skip);
  if (from_image) {
    const Image image = resize(*request.image, request.width, request.height);
    parts.run_encode(image, shape, rows.seeds, request.random);
  }
  parts.run_rows(rows, shape, table);
  return parts.run_decode(shape, request.progress);
}

Embeddings Pipeline::encode_text(const std::vector<std::string>& prompts, std::uint32_t clip_skip) {
  Parts& parts = *parts_;
  check_images(std::uint32_t(prompts.size()));
  check_clip_skip(clip_skip, parts.model);
  parts.fit({.prompts = std::uint32_t(prompts.size()), .skip = clip_skip - 1});
  parts.run_text(prompts, clip_skip);
  Embeddings result{
      std::uint32_t(prompts.size()), parts.model.text.positions, parts.model.text.channels, {}};
  std::vector<std::byte> bytes(parts.executor.elements(stage_tensor::kContext) *
                               size_bytes(parts.element));
  parts.executor.read(stage_tensor::kContext, bytes);
  result.values = from_bytes(bytes, parts.element);
  return result;
}

Latents Pipeline::encode_image(const Image& image, const std::vector<std::uint64_t>& seeds) {
  Parts& parts = *parts_;
  check_size(image.width, image.height, parts.model);
  const auto images = std::uint32_t(std::max<std::size_t>(seeds.size(), 1));
  check_images(images);
  const StageShape shape = stage_shape(parts.model, image.width, image.height, images, false);
  parts.fit({.shape = shape,
             .encode = true,
             .noise = seeds.empty() ? NoiseSource::none : NoiseSource::philox});
  parts.run_encode(image, shape, seeds, RandomSource::philox);
  const Shape latent = shape.sampler.latent;
  const std::vector<float> values = parts.executor.read_values<float>(sampler_tensor::kClean);
  return {latent.batch, latent.channels, latent.height, latent.width,
          to_channels_first(values, latent)};
}

Latents Pipeline::denoise(const DenoiseRequest& request) {
  Parts& parts = *parts_;
  const auto images = std::uint32_t(request.seeds.size());
  check_images(images);
  check_size(request.width, request.height, parts.model);
  check_sampling(request.sampling);
  const bool from_image = !request.start.values.empty();
  if (from_image) check_strength(request.strength);
  const StepTable table = step_table(request.sampling, parts.model,
                                     from_image ? request.strength : -1, request.strength_rule);
  StageShape shape = stage_shape(parts.model, request.width, request.height, images,
                                 request.sampling.guidance > 1);
  shape.rescaled = request.sampling.guidance_rescale > 0 && shape.guided;
  shape.from_image = from_image;
  shape_noise(shape, request, table);

  check_embeddings("context", request.context, images, parts.model);
  std::vector<float> context = request.context.values;
  if (shape.guided) {
    check_embeddings("negative", request.negative, images, parts.model);
    context.insert(context.begin(), request.negative.values.begin(), request.negative.values.end());
  }
  parts.fit({.shape = shape, .denoise = true});
  parts.prepare_denoise(shape);
  parts.executor.write(stage_tensor::kContext, to_bytes(context, parts.element));
  const Shape latent = shape.sampler.latent;
  if (from_image) {
    if (request.start.values.size() != latent.elements()) {
      fail_usage("start", "holds {} values, expected {}", request.start.values.size(),
                 latent.elements());
    }
    parts.executor.write_values(sampler_tensor::kClean,
                                to_channels_last(request.start.values, latent));
  }
  parts.run_rows(request, shape, table);
  return parts.read_latents(latent);
}

std::vector<Image> Pipeline::decode(const Latents& latents) {
  Parts& parts = *parts_;
  check_images(latents.images);
  const std::uint32_t scale = parts.model.vae.downscale();
  if (latents.height > kLargestSide / scale || latents.width > kLargestSide / scale) {
    fail_usage("latents", "are {}x{}, the most is {}x{}", latents.width, latents.height,
               kLargestSide / scale, kLargestSide / scale);
  }
  check_size(latents.width * scale, latents.height * scale, parts.model);
  const StageShape shape = stage_shape(parts.model, latents.width * scale, latents.height * scale,
                                       latents.images, false);
  const Shape latent = shape.sampler.latent;
  if (latents.channels != latent.channels || latents.values.size() != latent.elements()) {
    fail_usage("latents", "have {} channels and {} values, expected {} and {}", latents.channels,
               latents.values.size(), latent.channels, latent.elements());
  }
  parts.fit({.shape = shape, .decode = true});
  parts.prepare_decode(shape);
  std::vector<float> slots = to_channels_last(latents.values, latent);
  slots.resize(latent.elements() * kSlots);
  parts.executor.write_values(sampler_tensor::kSlots, slots);
  return parts.run_decode(shape, {});
}

MemoryFigures Pipeline::memory() const { return parts_->memory(); }

Activity Pipeline::activity() const {
  const Counters& counters = parts_->executor.counters();
  return {.submissions = counters.submissions,
          .host_writes = counters.host_writes,
          .host_reads = counters.host_reads,
          .dispatches = counters.dispatches};
}

}  // namespace kiln
