// The stages of a picture as plans: what each reads and writes by name, and what it records.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "models/families/model.h"
#include "models/sampling/sampler_ops.h"
#include "runtime/graph/plan.h"
#include "runtime/weights/weights.h"

namespace kiln {

// Stages meet in persistent tensors: those of sampler_ops.h, pick_latent.h, and these.
namespace stage_tensor {
inline constexpr std::string_view kIds = "text.ids";        // u32 [prompts, 1, positions, 1]
inline constexpr std::string_view kContext = "context";     // element [prompts, 1, positions, c]
inline constexpr std::string_view kImage = "encode.image";  // f32 [1, height, width, 3], -1 to 1
inline constexpr std::string_view kPicture = "decode.picture";  // u8 [1, height, width, 3]
}  // namespace stage_tensor

// What is done to need less memory; nothing unless asked for. None changes a picture by more than
// rounding.
struct Measures {
  // Bytes of weights that stay in host memory and pass through the arena (Streaming::bytes): of the
  // stages that run once a picture, and of the denoise stage, which runs once a row.
  std::uint64_t streamed_once = 0, streamed_each_row = 0;
  std::uint64_t segment_bytes = Streaming{}.segment_bytes;
  bool autoencoder_in_bands =
      false;  // norms and upsampling together with the convolution after them
  bool sequential_guidance = false;  // both prompts one after the other, not as one batch
  bool operator==(const Measures&) const = default;
};

// What stages are recorded for: an element type, a device, and which values to keep readable.
struct StageTarget {
  DType element = DType::f32;
  const DeviceProfile* device = nullptr;
  std::function<bool(std::string_view path)> watch = {};  // see Graph::watch; may be empty
  std::vector<Graph::Tap>* taps = nullptr;                // receives Graph::taps() when set
  Measures measures = {};
};

// One size of work.
struct StageShape {
  SamplerShape sampler;
  bool guided = true;     // negative and positive prompts as one batch of 2N
  bool rescaled = false;  // obey guidance_rescale
  bool from_image = false;

  bool operator==(const StageShape&) const = default;
  std::uint32_t images() const { return sampler.latent.batch; }
  std::uint32_t prompts() const { return images() * (guided ? 2 : 1); }
};

// Latents of pictures of this many pixels.
StageShape stage_shape(const Model& model, std::uint32_t width, std::uint32_t height,
                       std::uint32_t images, bool guided);

// Every function throws Error listing all tensors the model lacks.

// Ids to context. skip: layers left out at the end.
Plan plan_text(const Model& model, const StageTarget& target, std::uint32_t prompts,
               std::uint32_t skip);
// Image to one clean latent for each image of the shape.
Plan plan_encode(const Model& model, const StageTarget& target, const StageShape& shape,
                 NoiseSource noise);
// Noise, and clean latents if from_image, to slot 0; the row number to 0. Context to the keys and
// values of the UNet's cross-attention, the same for every row.
Plan plan_start(const Model& model, const StageTarget& target, const StageShape& shape);
// One row of the table: network input, UNet, guidance, update, next row.
Plan plan_denoise(const Model& model, const StageTarget& target, const StageShape& shape);
// Slot 0 of the picked image to 8-bit pixels.
Plan plan_decode(const Model& model, const StageTarget& target, const StageShape& shape);

// Tensors of the model's file that no stage asks for, sorted: left over, or a sign of another
// model.
std::vector<std::string> unused_weights(const Model& model);

}  // namespace kiln
