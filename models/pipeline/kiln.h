// Kiln's public interface: pictures from words on any Vulkan device. Installed as <kiln/kiln.h>.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "models/pipeline/image.h"

namespace kiln {

// Everything here throws kiln::Error (runtime/base/error.h): one line that begins with the thing
// concerned in brackets; Error::fault() tells wrong usage and cancelling from failure.

class Profile;

enum class Precision : std::uint8_t {
  automatic,  // f16 where the device stores 16-bit values and is no slower with them, else f32
  f32,
  f16,  // 16-bit storage, 32-bit sums
};

// Where noise comes from. Both are the same bytes on every device.
enum class RandomSource : std::uint8_t {
  philox,  // the stream of torch on CUDA, computed on the device
  cpu,     // the stream of torch on a CPU, computed on the host
};

struct DeviceDescription {
  std::uint32_t index = 0;
  std::string name, driver, kind;   // kind: "discrete", "integrated", "virtual", "cpu", "other"
  std::string refused;              // why it cannot be used; empty when it can
  std::string facts;                // a few lines for people
  std::vector<std::string> quirks;  // applied work-arounds, each with its reason
};

// Every Vulkan device, usable or not. Throws when there is no Vulkan driver at all.
std::vector<DeviceDescription> devices();

struct SamplerDescription {
  std::string name, title;
  std::vector<std::string> aliases;  // as diffusers, A1111 and stable-diffusion.cpp say it
  std::string default_schedule;
};
std::vector<SamplerDescription> samplers();
std::vector<std::string> schedules();

// A place where a model is looked for when none is named.
struct ModelPlace {
  std::string name;      // "KILN_MODEL", "user", "installed" or "source"
  std::string path;      // a folder in diffusers layout; KILN_MODEL may also name a file
  bool present = false;  // something is there
};

// In the order in which they are looked at: what the environment's KILN_MODEL names (only if set),
// models/bundled in the user's data ($XDG_DATA_HOME/kiln or ~/.local/share/kiln), in what was
// installed (PREFIX/share/kiln) and in the source tree of this build.
std::vector<ModelPlace> model_places();

// The path of the first one present. Throws Error that lists the places looked at when there is
// none, and when KILN_MODEL is set to a path that does not exist.
std::string default_model();

struct ModelOptions {
  std::string model;          // folder in diffusers layout, a .safetensors or .ckpt file, or
                              // "synthetic:sd15" for random weights; empty: default_model()
  std::string config_folder;  // for single files: a folder with the component configs
  std::string
      vocabulary_folder;  // for single files: vocab.json and merges.txt; empty: the user's data
  std::string device;     // number or part of a name; empty: the best one
  Precision precision = Precision::automatic;
  // Receives the time of every dispatch (runtime/execution/profile.h, which is not installed).
  // Null: nothing is measured. Pictures are the same bytes either way.
  std::shared_ptr<Profile> profile = nullptr;
  // Kernels to do without, such as "group_norm" or "norm/group_norm"; Error when nothing else can
  // do an operation. uses_avoid_list: also those that `kiln verify` found wrong with this driver,
  // with one warning that names them.
  std::vector<std::string> avoid = {};
  bool uses_avoid_list = false;
  // Kernels and tiles as `kiln tune` found them fastest with this driver. They change a picture by
  // rounding at most; what is kept there and cannot be used is ignored with one warning.
  bool uses_tuning = false;
  // Keeps pipelines in the user's cache folder for the next run with this driver version; what is
  // kept there and cannot be used is ignored with one warning.
  bool keeps_pipelines = false;
  // Of the device's own memory, the most to use at once; 0: no limit. What is done to keep it
  // stands in models/README.md; no picture changes by more than rounding. Calls that cannot keep it
  // throw Error with the numbers before anything is allocated.
  std::uint64_t max_memory_bytes = 0;
  bool lenient = false;  // accept safetensors files with holes, with a warning
  std::function<void(std::string_view)> warn;  // one line each; empty: warnings are dropped
  // One line on what is done to keep max_memory_bytes, when that changes; empty: nobody is told.
  std::function<void(std::string_view)> tell = {};
};

// Progress of generate(): `done` of `total` network evaluations, or a name of a phase.
struct Progress {
  std::string_view phase;  // "load", "encode", "denoise", "decode"
  std::uint32_t done = 0, total = 0;
};
// Return false to cancel; takes effect between two evaluations, as Error with Fault::cancelled.
using ProgressFunction = std::function<bool(const Progress&)>;

// Text embeddings on the host: rows [images, tokens, channels].
struct Embeddings {
  std::uint32_t images = 0, tokens = 0, channels = 0;
  std::vector<float> values;
};

// Latents on the host, as PyTorch orders them: [images, channels, height, width].
struct Latents {
  std::uint32_t images = 0, channels = 4, height = 0, width = 0;
  std::vector<float> values;
};

struct SamplerSettings {
  std::string sampler;   // a name of samplers(); empty: what the model's scheduler says
  std::string schedule;  // a name of schedules(); empty: the sampler's default
  std::uint32_t steps = 20;
  float guidance = 7.5f;          // classifier-free guidance scale; 1 or less: no guidance
  float guidance_rescale = 0.0f;  // Lin et al., 2023: 0 off, 0.7 usual
  std::optional<float> eta;       // DDIM and ancestral samplers; empty: the sampler's default
};

enum class StrengthRule : std::uint8_t {
  diffusers,  // the last min(int(steps * strength), steps) steps
  a1111,      // int(steps * strength) + 1 steps, as A1111 and stable-diffusion.cpp
};

struct Request {
  std::string prompt, negative_prompt;
  std::uint32_t width = 512, height = 512;  // pixels; multiples of 8
  std::uint32_t images = 1;                 // image i uses seed + i
  std::uint64_t seed = 0;
  RandomSource random = RandomSource::philox;
  std::uint32_t clip_skip = 1;  // 1: every layer of the text encoder runs
  SamplerSettings sampling;
  const Image* image = nullptr;  // image to image: start from this picture
  float strength = 0.75f;        // 0: the picture itself; 1: all steps
  StrengthRule strength_rule = StrengthRule::diffusers;
  ProgressFunction progress;
};

// What a picture depends on besides its Request.
struct PipelineInfo {
  std::string model, model_hash;  // path as given; hash of names, shapes and the smaller weights
  std::string family;             // "sd1"
  std::string device, driver;
  std::string precision;            // "f32" or "f16"
  std::uint32_t native_size = 512;  // pixels of the side the model was trained for
  std::uint32_t size_multiple = 8;  // width and height must be multiples of this
  std::string kernel_set;           // hash of the embedded kernels
  std::string sampler, schedule;    // what the model's own scheduler asks for
};

// What the host did while a call ran; a step of the sampler loop must only submit.
struct Activity {
  std::uint64_t submissions = 0, host_writes = 0, host_reads = 0, dispatches = 0;
};

// Memory of the stages recorded now. Where devices have no memory of their own, "host" is what one
// with such memory would keep in the host's.
struct MemoryFigures {
  std::uint64_t planned_bytes = 0;  // on the device: the sum of the next three
  std::uint64_t weight_bytes = 0, arena_bytes = 0, persistent_bytes = 0;
  std::uint64_t host_bytes = 0;       // streamed weights and results
  std::uint64_t peak_bytes = 0;       // measured: most held on the device since it was opened
  std::vector<std::string> measures;  // taken to keep max_memory_bytes, a phrase each
};

struct DenoiseRequest {
  Embeddings context;   // of the prompts, one row an image
  Embeddings negative;  // as many rows; empty when guidance is 1 or less
  std::uint32_t width = 512, height = 512;
  std::vector<std::uint64_t> seeds;  // one an image
  RandomSource random = RandomSource::philox;
  SamplerSettings sampling;
  Latents start;  // image to image: clean latents; empty: pure noise
  float strength = 1.0f;
  StrengthRule strength_rule = StrengthRule::diffusers;
  // Noise in place of random numbers, in the order used: the start noise, then one entry for each
  // row that asks for noise; more are ignored. Empty: `random`.
  std::vector<Latents> noise;
  // Called after every network evaluation with the latents then; costs a readback each.
  std::function<void(std::uint32_t row, const Latents&)> trace;
  ProgressFunction progress;
};

// A model on a device. Not thread-safe; several may live side by side.
class Pipeline {
 public:
  explicit Pipeline(const ModelOptions& options);
  ~Pipeline();
  Pipeline(Pipeline&&) noexcept;
  Pipeline& operator=(Pipeline&&) noexcept;

  // The whole way: prompt to pictures. Nothing returns from the device before the pictures.
  std::vector<Image> generate(const Request& request);

  // The stages alone; composed by hand they give the same bytes as generate().
  Embeddings encode_text(const std::vector<std::string>& prompts, std::uint32_t clip_skip = 1);
  // Latents times the scaling factor. seeds empty: the mean, else one sample a seed.
  Latents encode_image(const Image& image, const std::vector<std::uint64_t>& seeds = {});
  Latents denoise(const DenoiseRequest& request);
  std::vector<Image> decode(const Latents& latents);

  PipelineInfo info() const;
  // A request of the model's native size, with the steps, guidance, sampler and schedule that its
  // kiln.json asks for (models/README.md); prompt and seed are left to set.
  Request default_request() const;
  MemoryFigures memory() const;
  Activity activity() const;  // since the pipeline was made

  struct Parts;  // not part of the interface

 private:
  friend class PipelineAccess;  // for `kiln verify`, which looks inside
  std::unique_ptr<Parts> parts_;
};

}  // namespace kiln
