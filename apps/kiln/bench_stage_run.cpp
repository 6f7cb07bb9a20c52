// Two rounds of work on pipelines, and what their profiles say of it.
#include "apps/kiln/bench_stage_run.h"

#include <algorithm>
#include <memory>
#include <set>

#include "models/pipeline/host_data.h"
#include "runtime/execution/profile.h"
#include "runtime/execution/profile_summary.h"

namespace kiln::app {
namespace {

constexpr const char* kPrompt = "a beautiful sunset over the ocean";

// A model on its device, with what its stages read.
class Subject {
 public:
  Subject(const BenchVariant& variant, Timing timing, const StageBench& bench)
      : bench_(bench), profile_(std::make_shared<Profile>(timing)) {
    ModelOptions options = variant.options;
    options.profile = profile_;
    pipeline_ = std::make_unique<Pipeline>(options);
    latents_ = {.images = 1, .height = bench.height / 8, .width = bench.width / 8, .values = {}};
    latents_.values = cpu_noise({0}, 1, 4ull * latents_.height * latents_.width);
    image_ = {bench.width, bench.height, {}};
    const std::size_t bytes = std::size_t(bench.width) * bench.height * 3;
    for (std::size_t i = 0; i < bytes; ++i) {
      image_.rgb.push_back(std::uint8_t(i * 2654435761u >> 13));
    }
  }

  PipelineInfo info() const { return pipeline_->info(); }

  void text() { context_ = pipeline_->encode_text({"", kPrompt}); }

  void denoise() {
    DenoiseRequest request;
    const auto half = std::ptrdiff_t(context_.values.size() / 2);
    request.negative = request.context = {1, context_.tokens, context_.channels, {}};
    request.negative.values.assign(context_.values.begin(), context_.values.begin() + half);
    request.context.values.assign(context_.values.begin() + half, context_.values.end());
    request.width = bench_.width;
    request.height = bench_.height;
    request.seeds = {0};
    request.sampling.sampler = "ddim";
    request.sampling.steps = 1;
    pipeline_->denoise(request);
  }

  void decode() { pipeline_->decode(latents_); }
  void encode() { pipeline_->encode_image(image_); }

  // What the stages did; the pipeline is gone afterwards.
  std::shared_ptr<Profile> finish() {
    pipeline_.reset();
    return profile_;
  }

 private:
  const StageBench& bench_;
  std::shared_ptr<Profile> profile_;
  std::unique_ptr<Pipeline> pipeline_;
  Embeddings context_;
  Latents latents_;
  Image image_;
};

using Work = void (Subject::*)();
constexpr Work kWork[] = {&Subject::text, &Subject::denoise, &Subject::decode, &Subject::encode};

void run_all(const std::vector<Subject*>& subjects, const StageBench& bench) {
  for (const Work work : kWork) {
    for (std::uint32_t round = 0; round <= bench.repeat; ++round) {  // the first does not count
      for (std::size_t i = 0; i < subjects.size(); ++i) {
        if (bench.tell) bench.tell();
        // A B, B A, A B: what drifts hits all alike.
        Subject& subject = *subjects[round % 2 == 0 ? i : subjects.size() - 1 - i];
        (subject.*work)();
      }
    }
  }
}

// Milliseconds of a run: all dispatches, and those of operations none of whose dispatches count
// FLOPs (a product's transforms of its operands are part of the product).
struct RunSums {
  double kernels = 0, passes = 0;
};

RunSums sums_of(const ProfiledStage& stage, const ProfiledRun& run) {
  std::set<std::string> products;
  for (const ProfiledDispatch& dispatch : stage.dispatches) {
    if (dispatch.flops > 0) products.insert(dispatch.path + ' ' + dispatch.op);
  }
  RunSums sums;
  for (std::size_t i = 0; i < run.dispatches.size(); ++i) {
    const double ms = run.dispatches[i].us() * 1e-3;
    sums.kernels += ms;
    const ProfiledDispatch& dispatch = stage.dispatches[i];
    if (!products.contains(dispatch.path + ' ' + dispatch.op)) sums.passes += ms;
  }
  return sums;
}

// The stages of a profile in the order in which they first ran.
std::vector<StageTimes> times_of(const std::string& variant, const Profile& profile) {
  std::vector<StageTimes> all;
  std::vector<std::vector<double>> passes;
  std::set<std::string> begun;
  for (const ProfiledRun& run : profile.runs()) {
    const ProfiledStage& stage = profile.stages()[run.stage];
    if (begun.insert(stage.name).second) continue;  // its first run
    auto of = std::find_if(all.begin(), all.end(),
                           [&](const StageTimes& known) { return known.stage == stage.name; });
    if (of == all.end()) {
      of = all.insert(all.end(), StageTimes{});
      of->variant = variant;
      of->stage = stage.name;
      of->dispatches = stage.dispatches.size();
      for (const ProfiledDispatch& dispatch : stage.dispatches) of->flops += dispatch.flops;
      passes.emplace_back();
    }
    of->ms.push_back(run.device.us() * 1e-3);
    if (run.dispatches.empty()) continue;
    const RunSums sums = sums_of(stage, run);
    of->kernels_ms.push_back(sums.kernels);
    passes[std::size_t(of - all.begin())].push_back(sums.passes);
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!passes[i].empty()) all[i].passes_ms = median(passes[i]);
  }
  return all;
}

}  // namespace

double StageTimes::median_ms() const { return ms.empty() ? 0 : median(ms); }

double StageTimes::spread() const {
  if (ms.empty() || !(median_ms() > 0)) return 0;
  const auto [least, most] = std::minmax_element(ms.begin(), ms.end());
  return (*most - *least) / median_ms();
}

double StageTimes::gflops_a_second() const {
  const double time = median_ms();
  return time > 0 ? double(flops) / time * 1e-6 : 0;
}

double StageTimes::gaps() const {
  std::vector<double> shares;
  for (std::size_t i = 0; i < kernels_ms.size(); ++i) {
    if (timed_ms[i] > 0) shares.push_back(1 - kernels_ms[i] / timed_ms[i]);
  }
  return shares.empty() ? 0 : median(shares);
}

double StageTimes::undisturbed_gaps() const {
  const double time = median_ms();
  return time > 0 && !kernels_ms.empty() ? 1 - median(kernels_ms) / time : 0;
}

double StageTimes::passes() const {
  const double sum = kernels_ms.empty() ? 0 : median(kernels_ms);
  return sum > 0 ? passes_ms / sum : 0;
}

StageBenchResult bench_stages(const std::vector<BenchVariant>& variants, const StageBench& bench) {
  StageBenchResult result;
  std::vector<std::vector<StageTimes>> plain;
  {
    std::vector<std::unique_ptr<Subject>> owned;
    std::vector<Subject*> subjects;
    for (const BenchVariant& variant : variants) {
      owned.push_back(std::make_unique<Subject>(variant, Timing::submissions, bench));
      subjects.push_back(owned.back().get());
    }
    result.info = owned.front()->info();
    run_all(subjects, bench);
    for (std::size_t i = 0; i < variants.size(); ++i) {
      plain.push_back(times_of(variants[i].name, *owned[i]->finish()));
    }
  }
  for (std::size_t i = 0; i < variants.size(); ++i) {
    Subject subject(variants[i], Timing::dispatches, bench);
    run_all({&subject}, bench);
    for (const StageTimes& timed : times_of(variants[i].name, *subject.finish())) {
      for (StageTimes& times : plain[i]) {
        if (times.stage != timed.stage) continue;
        times.kernels_ms = timed.kernels_ms;
        times.timed_ms = timed.ms;
        times.passes_ms = timed.passes_ms;
      }
    }
  }
  for (const StageTimes& first : plain.front()) {
    for (const std::vector<StageTimes>& variant : plain) {
      for (const StageTimes& times : variant) {
        if (times.stage == first.stage) result.times.push_back(times);
      }
    }
  }
  return result;
}

}  // namespace kiln::app
