// The sampling loop as operations of a graph: what changes from step to step lives on the device.
#pragma once

#include <cstdint>
#include <string_view>

#include "models/sampling/step_table.h"
#include "runtime/graph/graph.h"

namespace kiln {

// Where unit normal numbers come from. The numbers are those of shaders/sampling/noise.glsl.
enum class NoiseSource : std::uint32_t {
  philox = 0,    // counter-based, from (seed of the image, draw, element) on the device
  uploaded = 1,  // written by the host
  none = 2,      // zeros: the mode of a posterior; not for the loop
};

// Names of the persistent tensors, for the host that writes and reads them.
namespace sampler_tensor {
inline constexpr std::string_view kSlots = "sampler.slots";
inline constexpr std::string_view kTable = "sampler.table";
inline constexpr std::string_view kRow = "sampler.row";
inline constexpr std::string_view kSeeds = "sampler.seeds";
inline constexpr std::string_view kStart = "sampler.start";
inline constexpr std::string_view kNoise = "sampler.noise";
inline constexpr std::string_view kClean = "sampler.clean";
inline constexpr std::string_view kPosteriorNoise = "sampler.posterior_noise";
}  // namespace sampler_tensor

struct SamplerShape {
  Shape latent;                             // [batch, height, width, channels]
  NoiseSource noise = NoiseSource::philox;  // philox or uploaded
  std::uint32_t rows = 2050;                // room in the table: 1000 steps of two calls
  std::uint32_t uploaded_draws = 1;         // room in the noise, the start noise included
  // Philox: number of the start noise's draw; a row's draws count on from there. 1 where a
  // posterior was sampled as draw 0 before, as a generator that is used on would give.
  std::uint32_t first_draw = 0;

  bool operator==(const SamplerShape&) const = default;
};

// Tensors that the stages of one picture share.
struct SamplerState {
  SamplerShape shape;
  Tensor slots;  // f32 [kSlots * batch, height, width, channels]; the latents are slot 0, the first
  Tensor table;  // u32 [1, 1, rows, words of StepRow]; the host writes StepRows
  Tensor row;    // u32 [1, 1, 1, 1]: the row that comes next
  Tensor seeds;  // u32 [batch, 1, 1, 2]; the host writes low and high word of each image's seed
  Tensor start;  // f32 [1, 1, 1, 2]; the host writes clean_scale, noise_scale
  // f32 [draws * batch, channels, height, width], the order in which generators count: the host
  // writes it when noise is uploaded. None for Philox.
  Tensor noise;
};

// Declares them in a graph. Throws Error for a shape without elements or an unfit noise source.
SamplerState sampler_state(Graph& graph, const SamplerShape& shape);

// Latents of a picture to start from, f32, like shape.latent: result of sample_posterior.
Tensor clean_latents(const SamplerState& state);

// Slot 0 = clean_scale * clean + noise_scale * noise, the others zero, the row number 0.
void start(const SamplerState& state, bool with_clean);

// The row's input_scale times slot 0, of the element type, `copies` times: 2 for guidance
// ([unconditional..., conditional...]), else 1. [copies * batch, height, width, channels].
Tensor network_input(const SamplerState& state, std::uint32_t copies);

// The row's timestep: f32 [1, 1, 1, 1].
Tensor row_timestep(const SamplerState& state);

// Guides, combines (StepRow says how) and goes on to the next row. output: of the network, batch
// 2N [unconditional..., conditional...] or N when there is no guidance. rescaled: obey
// StepRow::guidance_rescale, which costs another pass over the output.
void apply_row(const SamplerState& state, Tensor output, bool rescaled = false);

// factor * slot 0, of the element type: what the decoder reads (factor: 1 / scaling factor).
Tensor decoder_input(const SamplerState& state, float factor);

// How a latent is drawn from what the encoder says of a picture.
struct Posterior {
  NoiseSource noise = NoiseSource::philox;  // uploaded: f32 [batch, channels, height, width] under
                                            // sampler_tensor::kPosteriorNoise
  std::uint32_t draw = 0;                   // Philox: number of the draw
  float factor = 1.0f;                      // the autoencoder's scaling factor
};

// clean_latents(state) = factor * (mean + exp(clamp(log variance, -30, 20) / 2) * noise).
// moments: [batch or 1, height, width, 2 * channels], [mean | log variance] along channels.
// Source: diffusers, DiagonalGaussianDistribution.
void sample_posterior(const SamplerState& state, Tensor moments, const Posterior& posterior);

}  // namespace kiln
