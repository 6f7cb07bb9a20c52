// Each stage: persistent tensors in, a network, persistent tensors out.
#include "models/pipeline/stages.h"

#include "models/clip/text_encoder.h"
#include "models/sampling/pick_latent.h"
#include "models/unet/unet.h"
#include "models/vae/autoencoder.h"
#include "runtime/ops/device_class.h"
#include "runtime/ops/ops.h"

namespace kiln {
namespace {

// A graph and the weights a stage asks for; finish() checks them and compiles.
class Recording {
 public:
  Recording(const char* name, const Model& model, const StageTarget& target)
      : graph(name, target.element),
        report(std::make_shared<WeightReport>()),
        weights(model.weights, report),
        model_(model),
        target_(target) {
    if (target.watch) graph.watch(target.watch);
    if (target.device != nullptr) {
      graph.stack_projections(prefers_stacked_projections(*target.device));
    }
  }

  // streamed_bytes: of weights that stay in host memory.
  Plan finish(std::uint64_t streamed_bytes) {
    report->check(model_.path);
    if (target_.taps != nullptr) *target_.taps = graph.taps();
    return compile(graph, *target_.device, {},
                   {.bytes = streamed_bytes, .segment_bytes = target_.measures.segment_bytes});
  }

  const Measures& measures() const { return target_.measures; }

  Graph graph;
  std::shared_ptr<WeightReport> report;
  Weights weights;

 private:
  const Model& model_;
  const StageTarget target_;  // a copy: callers may pass a temporary
};

Tensor context_of(Graph& graph, const Model& model, std::uint32_t prompts) {
  return graph.persistent(stage_tensor::kContext,
                          {prompts, 1, model.text.positions, model.unet.context_channels},
                          graph.element());
}

void record_text(Recording& stage, const Model& model, std::uint32_t prompts, std::uint32_t skip) {
  const Tensor ids = stage.graph.persistent(
      stage_tensor::kIds, {prompts, 1, model.text.positions, 1}, DType::u32, Traffic::host_writes);
  const Tensor context = text_encoder(ids, model.text, stage.weights["text_encoder"], skip);
  stage.graph.keep(context, stage_tensor::kContext);
}

void record_encode(Recording& stage, const Model& model, const StageShape& shape,
                   NoiseSource noise) {
  stage.graph.work_in_bands(stage.measures().autoencoder_in_bands);
  const Shape latent = shape.sampler.latent;
  const std::uint32_t scale = model.vae.downscale();
  const Tensor image = stage.graph.persistent(stage_tensor::kImage,
                                              {1, latent.height * scale, latent.width * scale, 3},
                                              DType::f32, Traffic::host_writes);
  const Tensor moments = vae_encode(to_element(image, "encode"), model.vae, stage.weights["vae"]);
  sample_posterior(sampler_state(stage.graph, shape.sampler), moments,
                   {.noise = noise, .draw = 0, .factor = model.vae.scaling_factor});
}

std::string name_of_keys(const Weights& layer) { return layer.path() + ".keys"; }
std::string name_of_values(const Weights& layer) { return layer.path() + ".values"; }

// Context to the keys and values of every cross-attention layer.
void record_prompt_keys(Recording& stage, const Model& model, const StageShape& shape) {
  const PromptKeys keys = keys_from(context_of(stage.graph, model, shape.prompts()));
  for_each_cross_attention(model.unet, stage.weights["unet"],
                           [&](std::uint32_t channels, const Weights& layer) {
                             const KeysValues made = keys(channels, layer);
                             stage.graph.keep(made.keys, name_of_keys(layer));
                             stage.graph.keep(made.values, name_of_values(layer));
                           });
}

// Those of prompts [first, first + count), as record_prompt_keys left them.
PromptKeys kept_keys(Recording& stage, const Model& model, const StageShape& shape,
                     std::uint32_t first, std::uint32_t count) {
  const std::uint32_t prompts = shape.prompts(), tokens = model.text.positions;
  return [&stage, prompts, tokens, first, count](std::uint32_t channels, const Weights& layer) {
    const auto kept = [&](const std::string& name) {
      const Tensor all =
          stage.graph.persistent(name, {prompts, 1, tokens, channels}, stage.graph.element());
      return count == prompts ? all : slice_images(all, first, count, name);
    };
    return KeysValues{kept(name_of_keys(layer)), kept(name_of_values(layer))};
  };
}

void record_denoise(Recording& stage, const Model& model, const StageShape& shape,
                    bool sequential) {
  const SamplerState state = sampler_state(stage.graph, shape.sampler);
  const auto network = [&](Tensor latent, std::uint32_t first_prompt, std::uint32_t prompts) {
    return unet(latent, row_timestep(state), kept_keys(stage, model, shape, first_prompt, prompts),
                model.unet, stage.weights["unet"]);
  };
  if (!shape.guided || !sequential) {
    const Tensor latent = network_input(state, shape.guided ? 2 : 1);
    return apply_row(state, network(latent, 0, shape.prompts()), shape.rescaled);
  }
  const std::uint32_t images = shape.images();
  const Tensor latent = network_input(state, 1);
  const Tensor negative = network(latent, 0, images);
  const Tensor positive = network(latent, images, images);
  apply_row(state, join_images(negative, positive, "guidance"), shape.rescaled);
}

void record_decode(Recording& stage, const Model& model, const StageShape& shape) {
  stage.graph.work_in_bands(stage.measures().autoencoder_in_bands);
  const SamplerState state = sampler_state(stage.graph, shape.sampler);
  const Tensor latent = pick_latent(state, 1.0f / model.vae.scaling_factor);
  const Tensor pixels = vae_decode(latent, model.vae, stage.weights["vae"]);
  stage.graph.keep(to_rgb8(pixels, "decode.to_rgb8"), stage_tensor::kPicture, Traffic::host_reads);
}

}  // namespace

StageShape stage_shape(const Model& model, std::uint32_t width, std::uint32_t height,
                       std::uint32_t images, bool guided) {
  StageShape shape;
  const std::uint32_t scale = model.vae.downscale();
  shape.sampler.latent = {images, height / scale, width / scale, model.vae.latent_channels};
  shape.guided = guided;
  return shape;
}

Plan plan_text(const Model& model, const StageTarget& target, std::uint32_t prompts,
               std::uint32_t skip) {
  Recording stage("text", model, target);
  record_text(stage, model, prompts, skip);
  return stage.finish(target.measures.streamed_once);
}

Plan plan_encode(const Model& model, const StageTarget& target, const StageShape& shape,
                 NoiseSource noise) {
  Recording stage("encode", model, target);
  record_encode(stage, model, shape, noise);
  return stage.finish(target.measures.streamed_once);
}

Plan plan_start(const Model& model, const StageTarget& target, const StageShape& shape) {
  Recording stage("start", model, target);
  start(sampler_state(stage.graph, shape.sampler), shape.from_image);
  record_prompt_keys(stage, model, shape);
  return stage.finish(target.measures.streamed_once);
}

Plan plan_denoise(const Model& model, const StageTarget& target, const StageShape& shape) {
  Recording stage("denoise", model, target);
  record_denoise(stage, model, shape, target.measures.sequential_guidance);
  return stage.finish(target.measures.streamed_each_row);
}

Plan plan_decode(const Model& model, const StageTarget& target, const StageShape& shape) {
  Recording stage("decode", model, target);
  record_decode(stage, model, shape);
  return stage.finish(target.measures.streamed_once);
}

std::vector<std::string> unused_weights(const Model& model) {
  Recording all("all", model, {});
  const StageShape shape = stage_shape(model, 64, 64, 1, false);
  record_text(all, model, 1, 0);
  Recording networks("networks", model, {});
  record_encode(networks, model, shape, NoiseSource::none);
  record_prompt_keys(networks, model, shape);
  record_denoise(networks, model, shape, false);
  record_decode(networks, model, shape);
  std::vector<std::string> unused;
  for (const std::string& name : all.report->unused(*model.weights)) {
    if (!networks.report->used().contains(name)) unused.push_back(name);
  }
  return unused;
}

}  // namespace kiln
