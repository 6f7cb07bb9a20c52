// Memory of a pipeline: measures for the stages that live together, and the figures.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "models/pipeline/parts.h"

namespace kiln {

std::vector<Plan> Pipeline::Parts::plans(const StageSet& set, const Measures& measures) const {
  StageTarget to = target();
  to.measures = measures;
  std::vector<Plan> made;
  if (set.prompts > 0) made.push_back(plan_text(model, to, set.prompts, set.skip));
  if (set.encode) made.push_back(plan_encode(model, to, set.shape, set.noise));
  if (set.denoise) {
    made.push_back(plan_start(model, to, set.shape));
    made.push_back(plan_denoise(model, to, set.shape));
  }
  if (set.decode) made.push_back(plan_decode(model, to, set.shape));
  return made;
}

void Pipeline::Parts::fit(const StageSet& set) {
  if (options.max_memory_bytes == 0 || set == fitted_for_) return;
  const auto plan = [&](const Measures& measures) { return plans(set, measures); };
  const FittedMemory fitted =
      fit_memory(plan, options.max_memory_bytes, device.profile().binding_alignment);
  executor.wait_idle();
  for (std::unique_ptr<Stage>* stage : {&text_, &encode_, &start_, &denoise_, &decode_}) {
    stage->reset();
  }
  executor.drop_arena();
  const std::vector<Plan> wanted = plans(set, fitted.measures);
  std::vector<const Plan*> pointers;
  for (const Plan& one : wanted) pointers.push_back(&one);
  executor.keep_weights_of(pointers);
  executor.reserve_arena(fitted.needs.arena_bytes);
  if (options.tell && (fitted_for_ == StageSet{} || fitted.measures != fitted_.measures)) {
    const std::vector<std::string> taken = to_text(fitted);
    options.tell(
        fmt::format("memory: {} of {} planned; {}", gigabytes(fitted.needs.device_bytes()),
                    gigabytes(options.max_memory_bytes),
                    taken.empty() ? "no measures" : fmt::to_string(fmt::join(taken, ", "))));
  }
  fitted_ = fitted;
  fitted_for_ = set;
}

MemoryFigures Pipeline::Parts::memory() const {
  std::vector<const Plan*> live;
  for (const Stage* stage :
       {text_.get(), encode_.get(), start_.get(), denoise_.get(), decode_.get()}) {
    if (stage != nullptr) live.push_back(&stage->plan());
  }
  const MemoryNeeds needs = memory_needs(live, device.profile().binding_alignment);
  return {.planned_bytes = needs.device_bytes(),
          .weight_bytes = needs.weight_bytes,
          .arena_bytes = needs.arena_bytes,
          .persistent_bytes = needs.persistent_bytes,
          .host_bytes = needs.host_bytes(),
          .peak_bytes = executor.memory().device_peak_bytes,
          .measures = to_text(fitted_)};
}

}  // namespace kiln
