// Ops of the sampling loop. Buffers a kernel does not read in some mode are bound to the seeds.
#include "models/sampling/sampler_ops.h"

#include <memory>
#include <utility>

#include "kernels/advance_row.h"
#include "kernels/apply_row.h"
#include "kernels/guidance_statistics.h"
#include "kernels/network_input.h"
#include "kernels/posterior_sample.h"
#include "kernels/row_timestep.h"
#include "kernels/start.h"
#include "runtime/base/align.h"
#include "runtime/base/error.h"
#include "runtime/graph/lowering.h"

namespace kiln {
namespace {

template <typename K>
Grid grid_of(const Lowering& to, std::uint64_t invocations,
             const typename K::Constants& constants) {
  return to.folded(divide_up(invocations, constants.workgroup));
}

// Inputs: slots, row, start, seeds, noise or seeds, clean or seeds.
class Start : public Op {
 public:
  Start(const SamplerShape& shape, bool with_clean) : shape_(shape), with_clean_(with_clean) {}
  std::string_view name() const override { return "start"; }
  void lower(Lowering& to) const override {
    const Shape& latent = shape_.latent;
    const kernels::start::Constants constants{.noise = std::uint32_t(shape_.noise),
                                              .with_clean = with_clean_};
    to.dispatch<kernels::start>(
        {to.input(0), to.input(1), to.input(2), to.input(3), to.input(4), to.input(5)},
        {.images = latent.batch,
         .pixels = latent.pixels(),
         .channels = latent.channels,
         .first_draw = shape_.first_draw},
        constants, grid_of<kernels::start>(to, latent.elements(), constants));
  }

 private:
  SamplerShape shape_;
  bool with_clean_;
};

// Inputs: slots, table, row. factor 0: the row's.
class NetworkInput : public Op {
 public:
  NetworkInput(std::uint32_t copies, bool from_row, float factor)
      : copies_(copies), from_row_(from_row), factor_(factor) {}
  std::string_view name() const override { return from_row_ ? "network_input" : "decoder_input"; }
  void lower(Lowering& to) const override {
    const std::uint64_t elements = to.output_shape().elements();
    const kernels::network_input::Constants constants{.from_row = from_row_};
    to.dispatch<kernels::network_input>(
        {touching(to.input(0), elements / copies_ * sizeof(float)),
         touching(to.input(1), sizeof(StepRow)), to.input(2), to.output()},
        {.elements = std::uint32_t(elements / copies_), .copies = copies_, .factor = factor_},
        constants, grid_of<kernels::network_input>(to, elements, constants));
  }

 private:
  std::uint32_t copies_;
  bool from_row_;
  float factor_;
};

// Inputs: table, row.
class RowTimestep : public Op {
 public:
  std::string_view name() const override { return "row_timestep"; }
  void lower(Lowering& to) const override {
    to.dispatch<kernels::row_timestep>(
        {touching(to.input(0), sizeof(float)), to.input(1), to.output()}, {}, {}, Grid{});
  }
};

// Inputs: output of the network, table, row. Result: f32 [images, 1, 1, 1].
class GuidanceStatistics : public Op {
 public:
  std::string_view name() const override { return "guidance_statistics"; }
  void lower(Lowering& to) const override {
    const std::uint32_t images = to.output_shape().batch;
    const Shape output = to.shape(0);
    to.dispatch<kernels::guidance_statistics>(
        {to.input(0), touching(to.input(1), sizeof(StepRow)), to.input(2), to.output()},
        {.images = images, .image_elements = output.pixels() * output.channels}, {},
        to.folded(images));
  }
};

// Inputs: slots, output of the network, table, row, seeds, noise or seeds, factors or seeds.
class ApplyRow : public Op {
 public:
  ApplyRow(const SamplerShape& shape, bool guided, bool rescaled)
      : shape_(shape), guided_(guided), rescaled_(rescaled) {}
  std::string_view name() const override { return "apply_row"; }
  std::string details() const override { return guided_ ? "guided" : ""; }
  void lower(Lowering& to) const override {
    const Shape& latent = shape_.latent;
    const kernels::apply_row::Constants constants{
        .noise = std::uint32_t(shape_.noise), .guided = guided_, .rescaled = rescaled_};
    to.dispatch<kernels::apply_row>(
        {to.input(0), to.input(1), touching(to.input(2), sizeof(StepRow)), to.input(3), to.input(4),
         to.input(5), to.input(6)},
        {.images = latent.batch,
         .pixels = latent.pixels(),
         .channels = latent.channels,
         .first_draw = shape_.first_draw},
        constants, grid_of<kernels::apply_row>(to, latent.elements(), constants));
  }

 private:
  SamplerShape shape_;
  bool guided_, rescaled_;
};

// Input: row.
class AdvanceRow : public Op {
 public:
  std::string_view name() const override { return "advance_row"; }
  void lower(Lowering& to) const override {
    to.dispatch<kernels::advance_row>({to.input(0)}, {}, {}, Grid{});
  }
};

// Inputs: moments, seeds, noise or seeds, clean.
class PosteriorSample : public Op {
 public:
  explicit PosteriorSample(const Posterior& posterior) : posterior_(posterior) {}
  std::string_view name() const override { return "posterior_sample"; }
  void lower(Lowering& to) const override {
    const Shape moments = to.shape(0), latent = to.shape(3);
    const kernels::posterior_sample::Constants constants{.noise = std::uint32_t(posterior_.noise)};
    const std::uint32_t stride = latent.pixels() * moments.channels;
    to.dispatch<kernels::posterior_sample>(
        {to.input(0), to.input(1), to.input(2), to.input(3)},
        {.images = latent.batch,
         .pixels = latent.pixels(),
         .channels = latent.channels,
         .image_stride = moments.batch == 1 ? 0 : stride,
         .draw = posterior_.draw,
         .factor = posterior_.factor},
        constants, grid_of<kernels::posterior_sample>(to, latent.elements(), constants));
  }

 private:
  Posterior posterior_;
};

// As generators count: image, channel, y, x.
Shape noise_shape(const Shape& latent, std::uint32_t draws) {
  return {draws * latent.batch, latent.channels, latent.height, latent.width};
}

}  // namespace

SamplerState sampler_state(Graph& graph, const SamplerShape& shape) {
  const Shape& latent = shape.latent;
  if (latent.elements() == 0) fail("sampler", "latents of {} are empty", to_text(latent));
  if (shape.noise == NoiseSource::none) fail("sampler", "start noise needs a source");
  if (shape.rows == 0) fail("sampler", "a table without rows");
  SamplerState state;
  state.shape = shape;
  Shape slots = latent;
  slots.batch *= std::uint32_t(kSlots);
  const auto words = std::uint32_t(sizeof(StepRow) / 4);
  const auto host = Traffic::host_writes;
  state.slots = graph.persistent(sampler_tensor::kSlots, slots, DType::f32);
  state.table =
      graph.persistent(sampler_tensor::kTable, {1, 1, shape.rows, words}, DType::u32, host);
  state.row = graph.persistent(sampler_tensor::kRow, {1, 1, 1, 1}, DType::u32);
  state.seeds = graph.persistent(sampler_tensor::kSeeds, {latent.batch, 1, 1, 2}, DType::u32, host);
  state.start = graph.persistent(sampler_tensor::kStart, {1, 1, 1, 2}, DType::f32, host);
  if (shape.noise == NoiseSource::uploaded) {
    if (shape.uploaded_draws == 0) fail("sampler", "no room for the start noise");
    state.noise = graph.persistent(sampler_tensor::kNoise,
                                   noise_shape(latent, shape.uploaded_draws), DType::f32, host);
  }
  return state;
}

Tensor clean_latents(const SamplerState& state) {
  return state.slots.graph().persistent(sampler_tensor::kClean, state.shape.latent, DType::f32);
}

void start(const SamplerState& state, bool with_clean) {
  const Tensor noise = state.noise ? state.noise : state.seeds;
  const Tensor clean = with_clean ? clean_latents(state) : state.seeds;
  state.slots.graph().record_effect(
      std::make_unique<Start>(state.shape, with_clean),
      {state.slots, state.row, state.start, state.seeds, noise, clean}, "sampler.start");
}

Tensor network_input(const SamplerState& state, std::uint32_t copies) {
  if (copies == 0) fail("sampler.network_input", "no copies of the latents are wanted");
  Graph& graph = state.slots.graph();
  Shape shape = state.shape.latent;
  shape.batch *= copies;
  return graph.record(std::make_unique<NetworkInput>(copies, true, 0.0f),
                      {state.slots, state.table, state.row}, shape, graph.element(),
                      "sampler.network_input");
}

Tensor decoder_input(const SamplerState& state, float factor) {
  Graph& graph = state.slots.graph();
  return graph.record(std::make_unique<NetworkInput>(1, false, factor),
                      {state.slots, state.table, state.row}, state.shape.latent, graph.element(),
                      "sampler.decoder_input");
}

Tensor row_timestep(const SamplerState& state) {
  return state.slots.graph().record(std::make_unique<RowTimestep>(), {state.table, state.row},
                                    {1, 1, 1, 1}, DType::f32, "sampler.row_timestep");
}

void apply_row(const SamplerState& state, Tensor output, bool rescaled) {
  const std::string_view place = "sampler.apply_row";
  Graph& graph = state.slots.graph();
  const Shape& latent = state.shape.latent;
  if (!output || output.dtype() != graph.element()) fail(place, "output is not of element type");
  const Shape shape = output.shape();
  const bool guided = shape.batch == 2 * latent.batch;
  Shape expected = latent;
  expected.batch = guided ? 2 * latent.batch : latent.batch;
  if (shape != expected) {
    fail(place, "output is {}, the latents are {}", to_text(shape), to_text(latent));
  }
  const bool with_factors = guided && rescaled;
  Tensor factors = state.seeds;
  if (with_factors) {
    factors = graph.record(std::make_unique<GuidanceStatistics>(), {output, state.table, state.row},
                           {latent.batch, 1, 1, 1}, DType::f32, "sampler.guidance_statistics");
  }
  const Tensor noise = state.noise ? state.noise : state.seeds;
  graph.record_effect(std::make_unique<ApplyRow>(state.shape, guided, with_factors),
                      {state.slots, output, state.table, state.row, state.seeds, noise, factors},
                      place);
  graph.record_effect(std::make_unique<AdvanceRow>(), {state.row}, "sampler.advance_row");
}

void sample_posterior(const SamplerState& state, Tensor moments, const Posterior& posterior) {
  const std::string_view place = "sampler.posterior_sample";
  Graph& graph = state.slots.graph();
  const Shape& latent = state.shape.latent;
  if (!moments || moments.dtype() != graph.element())
    fail(place, "moments are not of element type");
  Shape expected = latent.with_channels(2 * latent.channels);
  if (moments.shape().batch == 1) expected.batch = 1;
  if (moments.shape() != expected) {
    fail(place, "moments are {}, the latents are {}", to_text(moments.shape()), to_text(latent));
  }
  Tensor noise = state.seeds;
  if (posterior.noise == NoiseSource::uploaded) {
    noise = graph.persistent(sampler_tensor::kPosteriorNoise, noise_shape(latent, 1), DType::f32,
                             Traffic::host_writes);
  }
  graph.record_effect(std::make_unique<PosteriorSample>(posterior),
                      {moments, state.seeds, noise, clean_latents(state)}, place);
}

}  // namespace kiln
