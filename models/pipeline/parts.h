// The inside of a Pipeline: a model, a device, and the stages recorded last.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "models/families/model.h"
#include "models/pipeline/kiln.h"
#include "models/pipeline/memory_budget.h"
#include "models/pipeline/stages.h"
#include "runtime/execution/executor.h"
#include "runtime/execution/open_device.h"

namespace kiln {

struct Pipeline::Parts {
  explicit Parts(const ModelOptions& model_options);
  ~Parts();

  // --- Stages: recorded for the sizes asked for last, kept while the sizes stay ---
  void prepare_text(std::uint32_t prompts, std::uint32_t skip);
  // Start and denoise; from_image: also encode.
  void prepare_denoise(const StageShape& shape);
  void prepare_encode(const StageShape& shape, NoiseSource noise);
  void prepare_decode(const StageShape& shape);

  // --- Steps of a picture; each leaves its result on the device ---
  void run_text(const std::vector<std::string>& prompts, std::uint32_t clip_skip);
  // seeds empty: the mean. source: philox draws number 0 of each seed, cpu its first tensor.
  void run_encode(const Image& image, const StageShape& shape,
                  const std::vector<std::uint64_t>& seeds, RandomSource source);
  void run_rows(const DenoiseRequest& request, const StageShape& shape, const StepTable& table);
  std::vector<Image> run_decode(const StageShape& shape, const ProgressFunction& progress);

  // --- Memory (parts_memory.cpp) ---
  // Stages that will live together. Without a limit nothing is done. With one: chooses measures for
  // them, and frees what was recorded or uploaded for others.
  struct StageSet {
    StageShape shape = {};
    std::uint32_t prompts = 0, skip = 0;  // 0: no text stage
    bool encode = false, denoise = false, decode = false;
    NoiseSource noise = NoiseSource::none;  // of encode
    bool operator==(const StageSet&) const = default;
  };
  void fit(const StageSet& set);
  MemoryFigures memory() const;

  Latents read_latents(const Shape& latent);
  void warn(const std::string& line) const;
  void report(const ProgressFunction& progress, const Progress& state);

  ModelOptions options;
  Model model;
  OpenDevice device;
  DType element;
  Executor executor;

 private:
  std::unique_ptr<Stage> prepare(Plan plan);
  void choose_avoided_kernels();
  StageTarget target() const;
  void forget_sizes_other_than(const StageShape& shape);
  void write_noise(const DenoiseRequest& request, const StageShape& shape);
  std::vector<std::uint32_t> token_ids(const std::vector<std::string>& prompts) const;

  std::vector<Plan> plans(const StageSet& set, const Measures& measures) const;

  std::size_t kept_bytes_ = 0;  // of pipelines, as read
  StageShape shape_ = {};
  FittedMemory fitted_ = {};
  StageSet fitted_for_ = {};
  std::uint32_t text_prompts_ = 0, text_skip_ = 0;
  NoiseSource encode_noise_ = NoiseSource::none;
  std::unique_ptr<Stage> text_, encode_, start_, denoise_, decode_;
};

// For programs that look inside a pipeline, such as `kiln verify`.
class PipelineAccess {
 public:
  static Pipeline::Parts& parts(Pipeline& pipeline) { return *pipeline.parts_; }
};

}  // namespace kiln
