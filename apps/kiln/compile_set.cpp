// Plans of all stages, in every choice of kernels.
#include "apps/kiln/compile_set.h"

#include <fmt/format.h>

#include <functional>
#include <set>
#include <utility>

#include "apps/kiln/kernel_choices.h"
#include "kernels/all.h"
#include "models/families/model.h"
#include "models/pipeline/stages.h"
#include "runtime/execution/kernel_library.h"
#include "runtime/execution/open_device.h"
#include "runtime/verification/known_answers.h"
#include "runtime/verification/spirv_module.h"

namespace kiln::app {
namespace {

using StageMaker = std::function<Plan(const StageTarget& target)>;

class Collector {
 public:
  explicit Collector(const DeviceProfile& device) : device_(device) {}

  void add(const std::string& user, DType element, const StageMaker& make) {
    user_ = fmt::format("{} {}", user, to_text(element));
    const std::string problem = for_each_choice(
        device_,
        [&](const DeviceProfile& device) { return make({.element = element, .device = &device}); },
        [&](const Plan& plan) {
          for (const Dispatch& dispatch : plan.dispatches) collect(dispatch);
        });
    if (!problem.empty() && skipped_ == nullptr) {
      set.not_planned.push_back(fmt::format("{}: {}", user_, problem));
    }
  }

  // Operations no model asks for (they are fused, or belong to other types), as the self-test has
  // them: only kernels that were not reached before count.
  void add_known_answers(DType element) {
    const std::set<const KernelInfo*> before = reached_;
    skipped_ = &before;
    for (const Tape& tape : known_answers(element)) {
      add("self-test: " + tape.name, element, [&](const StageTarget& target) {
        Graph graph(tape.name, tape.element);
        tape.record(graph);
        return compile(graph, *target.device);
      });
    }
    skipped_ = nullptr;
  }

  // What nothing launched: peaks are measured with the constants of their source.
  void add_rest() {
    for (const KernelInfo* kernel : kernels::all()) {
      if (reached_.contains(kernel)) continue;
      if (!device_.serves(kernel->needs)) {
        left_out(*kernel, "the device lacks " + feature_names(kernel->needs & ~device_.features));
      } else if (kernel->name.starts_with("bench/")) {
        add_with_defaults(*kernel);
      } else {
        left_out(*kernel, "no operation chooses it on this device");
      }
    }
  }

  PipelineSet set;

 private:
  void add_with_defaults(const KernelInfo& kernel) {
    Dispatch dispatch;
    dispatch.kernel = &kernel;
    dispatch.constants = default_constants(kernel.spirv, kernel.constant_ids);
    dispatch.arguments.resize(kernel.arguments_bytes);
    dispatch.ranges.resize(kernel.operands.size());
    const std::string problem = cannot_run(dispatch, device_);
    if (!problem.empty()) return left_out(kernel, "it needs " + problem);
    user_ = "bench";
    collect(dispatch);
  }

  void collect(const Dispatch& dispatch) {
    if (skipped_ != nullptr && skipped_->contains(dispatch.kernel)) return;
    reached_.insert(dispatch.kernel);
    if (!known_.insert({dispatch.kernel, dispatch.constants}).second) return;
    set.pipelines.push_back({dispatch.kernel, dispatch.constants, user_});
  }

  void left_out(const KernelInfo& kernel, std::string reason) {
    set.left_out.push_back(
        {std::string(kernel.name), std::string(to_text(kernel.element)), std::move(reason)});
  }

  const DeviceProfile& device_;
  std::string user_;
  std::set<const KernelInfo*> reached_;
  const std::set<const KernelInfo*>* skipped_ = nullptr;  // kernels that are not collected now
  std::set<std::pair<const KernelInfo*, std::vector<std::uint32_t>>> known_;
};

// A model at one size: every stage in every way it can be asked for.
void add_model(Collector& to, const Model& model, std::uint32_t pixels, DType element) {
  const std::string size = fmt::format(" {}x{}", pixels, pixels);
  const auto shape = [&](bool guided, bool from_image, NoiseSource noise) {
    StageShape made = stage_shape(model, pixels, pixels, 1, guided);
    made.from_image = made.rescaled = from_image;
    made.sampler.noise = noise;
    return made;
  };
  for (const NoiseSource noise : {NoiseSource::philox, NoiseSource::uploaded}) {
    for (const bool from_image : {false, true}) {
      const StageShape of = shape(true, from_image, noise);
      to.add("start" + size, element,
             [&](const StageTarget& target) { return plan_start(model, target, of); });
    }
    const StageShape of = shape(true, true, noise);
    to.add("encode" + size, element,
           [&](const StageTarget& target) { return plan_encode(model, target, of, noise); });
  }
  for (const bool guided : {true, false}) {
    const StageShape of = shape(guided, guided, NoiseSource::philox);
    to.add("denoise" + size, element,
           [&](const StageTarget& target) { return plan_denoise(model, target, of); });
    to.add("text", element,
           [&](const StageTarget& target) { return plan_text(model, target, of.prompts(), 0); });
  }
  // Noise from the host, and guidance that is not rescaled.
  StageShape other = shape(true, false, NoiseSource::uploaded);
  to.add("denoise" + size, element,
         [&](const StageTarget& target) { return plan_denoise(model, target, other); });
  to.add("decode" + size, element,
         [&](const StageTarget& target) { return plan_decode(model, target, other); });
}

}  // namespace

std::string WantedPipeline::name() const {
  return fmt::format("{} {} [{}]", kernel->name, to_text(kernel->element),
                     fmt::join(constants, " "));
}

PipelineSet wanted_pipelines(const DeviceProfile& device, const std::vector<std::string>& models) {
  Collector collector(device);
  std::vector<Model> others;
  for (const std::string& path : models) others.push_back(open_model(path, {}));
  const Model large = synthetic_model("sd15", 0);
  for (const DType element : {DType::f32, DType::f16}) {
    if (element == DType::f16 && !device.serves(kNeedStorage16)) continue;
    add_model(collector, large, 512, element);
    add_model(collector, large, 256, element);
    for (const Model& model : others) add_model(collector, model, model.native_size, element);
  }
  for (const DType element : {DType::f32, DType::f16}) {
    if (element == DType::f32 || device.serves(kNeedStorage16))
      collector.add_known_answers(element);
  }
  collector.add_rest();
  return std::move(collector.set);
}

}  // namespace kiln::app
