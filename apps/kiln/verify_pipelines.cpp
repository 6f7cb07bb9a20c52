// Whole runs, text to image and image to image, with the golden noise and every scheduler.
#include <algorithm>
#include <cmath>

#include "apps/kiln/tape_run.h"
#include "apps/kiln/verify.h"
#include "models/pipeline/host_data.h"
#include "models/pipeline/parts.h"
#include "models/sampling/scheduler_config.h"
#include "models/vae/autoencoder.h"
#include "runtime/base/error.h"

namespace kiln::app {
namespace {

// Latents [n, c, h, w] from a golden tensor whose leading extents may hold more (draws, calls).
std::vector<Latents> latents_of(const GoldenFolder& golden, const std::string& name) {
  const std::vector<std::int64_t> dims = golden.dims(name);
  const std::vector<float> values = golden.values(name);
  const std::size_t last = dims.size() - 4;
  Latents one{std::uint32_t(dims[last]),
              std::uint32_t(dims[last + 1]),
              std::uint32_t(dims[last + 2]),
              std::uint32_t(dims[last + 3]),
              {}};
  const std::size_t size = std::size_t(one.images) * one.channels * one.height * one.width;
  std::vector<Latents> result;
  for (std::size_t at = 0; at + size <= values.size(); at += size) {
    one.values.assign(values.begin() + std::ptrdiff_t(at),
                      values.begin() + std::ptrdiff_t(at + size));
    result.push_back(one);
  }
  return result;
}

class PipelineCheck {
 public:
  PipelineCheck(const VerifyOptions& options, Pipeline& pipeline, const GoldenFolder& golden,
                Report& report)
      : options_(options), pipeline_(pipeline), golden_(golden), report_(report) {}

  // Settings and scheduler of one case; the model's own scheduler is replaced.
  DenoiseRequest request_for(const nlohmann::json& entry) {
    Pipeline::Parts& parts = PipelineAccess::parts(pipeline_);
    parts.model.scheduler = scheduler_config(entry.at("scheduler"), "golden.json");
    DenoiseRequest request;
    request.sampling.steps = entry.at("steps");
    request.sampling.guidance = entry.at("guidance_scale");
    request.sampling.guidance_rescale = entry.value("guidance_rescale", 0.0f);
    // Others have an eta of their own; the golden's 0 there means "not given".
    const std::string& name = parts.model.scheduler.class_name;
    if (name == "DDIMScheduler" || name == "TCDScheduler") {
      request.sampling.eta = entry.value("eta", 0.0f);
    }
    return request;
  }

  void set_prompts(DenoiseRequest& request, const std::vector<std::string>& prompts,
                   const std::string& negative) {
    request.context = pipeline_.encode_text(prompts);
    request.negative = pipeline_.encode_text(std::vector<std::string>(prompts.size(), negative));
    request.seeds.assign(prompts.size(), 0);
  }

  // Runs and compares the latents, and after every call where the golden has a trace.
  void run(const std::string& prefix, DenoiseRequest& request, const nlohmann::json& entry) {
    std::vector<float> trace;
    request.trace = [&](std::uint32_t, const Latents& now) {
      trace.insert(trace.end(), now.values.begin(), now.values.end());
    };
    check_timesteps(prefix, entry);
    const Latents latents = pipeline_.denoise(request);
    compare_pipeline(prefix + "latents", latents.values);
    if (golden_.has(prefix + "trace")) compare_pipeline(prefix + "trace", trace);
    if (golden_.has(prefix + "image")) picture(prefix + "image", latents);
  }

  void text_to_image(const std::string& prefix, const nlohmann::json& entry,
                     const std::string& init_noise) {
    DenoiseRequest request = request_for(entry);
    const nlohmann::json& texts = golden_.cases();
    set_prompts(request,
                entry.contains("prompts") ? entry["prompts"].get<std::vector<std::string>>()
                                          : std::vector<std::string>{texts.at("prompt")},
                entry.contains("negative_prompt") ? entry["negative_prompt"].get<std::string>()
                                                  : texts.at("negative_prompt").get<std::string>());
    request.noise = latents_of(golden_, init_noise);
    if (golden_.has(prefix + "noise")) {
      for (Latents& draw : latents_of(golden_, prefix + "noise")) {
        request.noise.push_back(std::move(draw));
      }
    }
    request.height = request.noise[0].height * 8;
    request.width = request.noise[0].width * 8;
    run(prefix, request, entry);
  }

 private:
  void compare_pipeline(const std::string& name, const std::vector<float>& got) {
    report_.comparisons.push_back(
        compare(name, got, golden_.values(name), pipeline_bound(options_, golden_, name)));
  }

  void check_timesteps(const std::string& prefix, const nlohmann::json& entry) {
    if (!golden_.has(prefix + "timesteps")) return;
    SamplerSettings settings;
    settings.steps = entry.at("steps");
    const StepTable table =
        step_table(settings, PipelineAccess::parts(pipeline_).model, -1, StrengthRule::diffusers);
    const std::vector<float> got(table.timesteps.begin(), table.timesteps.end());
    report_.comparisons.push_back(
        compare_absolute(prefix + "timesteps", got, golden_.values(prefix + "timesteps"), 1e-3));
  }

  // The picture as numbers 0..1, and as bytes.
  void picture(const std::string& name, const Latents& latents) {
    Pipeline::Parts& parts = PipelineAccess::parts(pipeline_);
    const Shape shape{latents.images, latents.height, latents.width, latents.channels};
    std::vector<float> scaled = to_channels_last(latents.values, shape);
    for (float& value : scaled) value /= parts.model.vae.scaling_factor;
    const Weights weights(parts.model.weights, std::make_shared<WeightReport>(), "vae");
    const auto output = run_tape(parts.executor, parts.element, {{shape, parts.element, scaled}},
                                 [&](Graph&, const std::vector<Tensor>& in) {
                                   return vae_decode(in[0], parts.model.vae, weights);
                                 })[0];
    std::vector<float> values = to_channels_first(output.values, output.shape);
    for (float& value : values) value = std::clamp(value / 2 + 0.5f, 0.0f, 1.0f);
    const std::vector<float> expected = golden_.values(name);
    report_.comparisons.push_back(compare(name, values, expected, options_.half() ? 2e-2 : 1e-4));

    const Image image = pipeline_.decode(latents)[0];
    const Shape pixels{1, image.height, image.width, 3};
    const std::vector<float> bytes =
        to_channels_first(std::vector<float>(image.rgb.begin(), image.rgb.end()), pixels);
    double difference = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      difference += std::abs(bytes[i] - std::nearbyint(expected[i] * 255.0f));
    }
    difference /= double(bytes.size());
    report_.comparisons.push_back(
        {.name = name + " (8 bit)",
         .bound = 1,
         .passed = difference < (options_.half() ? 1.0 : 0.01),
         .note = fmt::format("mean difference {:.2g} levels", difference)});
  }

  const VerifyOptions& options_;
  Pipeline& pipeline_;
  const GoldenFolder& golden_;
  Report& report_;
};

// factor * (mean + exp(log variance / 2) * noise), as the reference starts.
Latents clean_start(Pipeline& pipeline, const GoldenFolder& golden, const Latents& noise) {
  Pipeline::Parts& parts = PipelineAccess::parts(pipeline);
  const std::vector<std::int64_t> dims = golden.dims("image01");
  const Shape shape{1, std::uint32_t(dims[2]), std::uint32_t(dims[3]), 3};
  std::vector<float> image = to_channels_last(golden.values("image01"), shape);
  for (float& value : image) value = 2 * value - 1;
  const Weights weights(parts.model.weights, std::make_shared<WeightReport>(), "vae");
  const auto output = run_tape(parts.executor, parts.element, {{shape, parts.element, image}},
                               [&](Graph&, const std::vector<Tensor>& in) {
                                 return vae_encode(in[0], parts.model.vae, weights);
                               })[0];
  const Moments moments = split_moments(output.values, output.shape);
  Latents start = noise;
  for (std::size_t i = 0; i < start.values.size(); ++i) {
    start.values[i] = parts.model.vae.scaling_factor *
                      (moments.mean[i] + std::exp(moments.log_variance[i] / 2) * noise.values[i]);
  }
  return start;
}

}  // namespace

double pipeline_bound(const VerifyOptions& options, const GoldenFolder& golden,
                      const std::string& name) {
  constexpr double kHalfDefault = 2e-2;
  if (!options.half()) return 1e-4;
  const double error = golden.half_error(name);
  return error > 0 ? std::max(5e-3, 3 * error) : kHalfDefault;
}

void verify_pipelines(const VerifyOptions& options, Pipeline& pipeline, const GoldenFolder& golden,
                      Report& report) {
  PipelineCheck check(options, pipeline, golden, report);
  for (const char* group : {"pipe", "zsnr"}) {
    if (!golden.cases().contains(group)) continue;
    for (const auto& [name, entry] : golden.cases().at(group).items()) {
      const std::string prefix = std::string(group) + "/" + name + "/";
      if (!options.wants(prefix)) continue;
      try {
        check.text_to_image(prefix, entry, "pipe/init_noise");
      } catch (const Error& error) {
        report.comparisons.push_back({.name = prefix, .note = error.what()});
      }
    }
  }
  if (golden.cases().contains("pipe2") && options.wants("pipe2/")) {
    check.text_to_image("pipe2/", golden.cases().at("pipe2"), "pipe2/init_noise");
  }
}

void verify_image_to_image(const VerifyOptions& options, const std::filesystem::path& folder,
                           Report& report) {
  const GoldenFolder golden(folder);
  const std::filesystem::path model = folder / golden.cases().at("model_folder").get<std::string>();
  Pipeline pipeline({.model = model.string(),
                     .config_folder = {},
                     .vocabulary_folder = {},
                     .device = options.device,
                     .precision = options.precision,
                     .warn = {}});
  PipelineCheck check(options, pipeline, golden, report);
  for (const auto& [name, entry] : golden.cases().at("cases").items()) {
    const std::string prefix = name + "/";
    if (!options.wants(prefix)) continue;
    if (entry.contains("quirk")) {
      report.unsupported.push_back(prefix + ": a quirk of the reference, not repeated");
      continue;
    }
    DenoiseRequest request = check.request_for(entry);
    check.set_prompts(request, {golden.cases().at("prompt")}, golden.cases().at("negative_prompt"));
    for (std::size_t i = 1; golden.has(fmt::format("{}noise_{}", prefix, i)); ++i) {
      request.noise.push_back(latents_of(golden, fmt::format("{}noise_{}", prefix, i))[0]);
    }
    request.start = clean_start(pipeline, golden, latents_of(golden, prefix + "noise_0")[0]);
    request.height = request.start.height * 8;
    request.width = request.start.width * 8;
    request.strength = entry.at("strength");
    check.run(prefix, request, entry);
  }
}

}  // namespace kiln::app
