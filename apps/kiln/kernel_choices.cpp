// Plans are made again and again while kernels are avoided, until nothing new comes.
#include "apps/kiln/kernel_choices.h"

#include <fmt/format.h>

#include <map>
#include <set>

#include "kernels/all.h"
#include "models/families/model.h"
#include "models/pipeline/stages.h"
#include "runtime/base/error.h"
#include "runtime/execution/open_device.h"
#include "runtime/ops/attention_candidates.h"
#include "runtime/ops/matmul_candidates.h"
#include "runtime/verification/known_answers.h"

namespace kiln::app {
namespace {

class Explorer {
 public:
  Explorer(const DeviceProfile& device, const PlanMaker& make,
           const std::function<void(const Plan&)>& visit)
      : device_(device), make_(make), visit_(visit) {}

  // Why no plan can be made without these.
  std::string explore(const std::set<std::string>& avoided) {
    DeviceProfile device = device_;
    device.avoided_kernels.insert(device.avoided_kernels.end(), avoided.begin(), avoided.end());
    std::set<std::string> names;
    try {
      const Plan plan = make_(device);
      visit_(plan);
      for (const Dispatch& dispatch : plan.dispatches) names.emplace(dispatch.kernel->name);
    } catch (const Error& error) {
      if (avoided.size() == 1) irreplaceable_.insert(*avoided.begin());
      return error.what();
    }
    for (const std::string& name : names) {
      std::set<std::string> more = avoided;
      more.insert(name);
      if (!irreplaceable_.contains(name) && visited_.insert(more).second) explore(more);
    }
    return {};
  }

 private:
  const DeviceProfile& device_;
  const PlanMaker& make_;
  const std::function<void(const Plan&)>& visit_;
  std::set<std::string> irreplaceable_;
  std::set<std::set<std::string>> visited_;  // sets of avoided kernels
};

// By operation: the first word of a node's text.
using Kernels = std::map<std::string, std::map<std::string, std::uint32_t>>;

void count(const Plan& plan, Kernels& to) {
  for (const Dispatch& dispatch : plan.dispatches) {
    const std::string& op = plan.nodes[dispatch.node].op;
    ++to[op.substr(0, op.find(' '))][std::string(dispatch.kernel->name)];
  }
}

// The networks at 512x512, or at 256x256 where that does not fit.
Kernels chosen_kernels(const DeviceProfile& device, DType element) {
  const Model model = synthetic_model("sd15", 0);
  const StageTarget target{.element = element, .device = &device};
  Kernels chosen;
  for (const std::uint32_t pixels : {512u, 256u}) {
    const StageShape shape = stage_shape(model, pixels, pixels, 1, true);
    try {
      Kernels found;
      count(plan_text(model, target, shape.prompts(), 0), found);
      count(plan_start(model, target, shape), found);
      count(plan_denoise(model, target, shape), found);
      count(plan_decode(model, target, shape), found);
      return found;
    } catch (const Error&) {
      if (pixels == 256) throw;
    }
  }
  return chosen;
}

// What can serve each operation somewhere, whether or not on this device.
Kernels possible_kernels(const DeviceProfile& device, DType element) {
  Kernels found;
  for (const Tape& tape : known_answers(element)) {
    for_each_choice(
        device,
        [&](const DeviceProfile& profile) {
          Graph graph(tape.name, tape.element);
          tape.record(graph);
          return compile(graph, profile);
        },
        [&](const Plan& plan) { count(plan, found); });
  }
  return found;
}

// A device of this kind with everything a kernel may ask for.
DeviceProfile able(const DeviceProfile& device, DeviceKind kind) {
  DeviceProfile other = device;
  other.kind = kind;
  other.features = ~0u;
  other.avoided_kernels.clear();
  other.subgroup_size_control = true;
  other.max_workgroup_invocations = 1024;
  other.max_workgroup_size = {1024, 1024, 64};
  other.max_shared_bytes = 64 << 10;
  other.max_storage_buffers = 64;
  if (other.matrix_shapes.empty()) other.matrix_shapes = {{16, 16, 16, DType::f16, DType::f32}};
  return other;
}

std::string reason_against(const std::string& name, const DeviceProfile& device, DType element) {
  if (device.avoids(name)) return "to be avoided";
  for (const KernelInfo* kernel : kernels::all()) {
    if (kernel->name != name || (kernel->element != element && !device.serves(kernel->needs))) {
      continue;
    }
    if (!device.serves(kernel->needs)) {
      return "the device lacks " + feature_names(kernel->needs & ~device.features);
    }
  }
  return "its conditions on device and shapes do not hold";
}

}  // namespace

std::string for_each_choice(const DeviceProfile& device, const PlanMaker& make,
                            const std::function<void(const Plan&)>& visit) {
  return Explorer(device, make, visit).explore({});
}

std::vector<OperationKernels> operation_kernels(const DeviceProfile& device) {
  const DType element = device.serves(kNeedStorage16) ? DType::f16 : DType::f32;
  const Kernels chosen = chosen_kernels(device, element);
  Kernels here = possible_kernels(device, element), anywhere = here;
  for (const DeviceKind kind : {DeviceKind::discrete, DeviceKind::cpu}) {
    for (const auto& [op, kernels] : possible_kernels(able(device, kind), element)) {
      anywhere[op].insert(kernels.begin(), kernels.end());
    }
  }
  for (const MatmulCandidate& candidate : matmul_candidates()) {
    const std::string name(candidate.kernel(element).name);
    for (const char* op : {"linear", "conv2d"}) anywhere[op].emplace(name, 0);
  }
  for (const AttentionCandidate& candidate : attention_candidates()) {
    const std::string name(candidate.kernel(element).name);
    for (const char* op : {"attention", "self_attention"}) anywhere[op].emplace(name, 0);
  }
  std::vector<OperationKernels> result;
  for (const auto& [op, kernels] : chosen) {
    OperationKernels& one = result.emplace_back(OperationKernels{op, {}, {}, {}});
    one.kernels.assign(kernels.begin(), kernels.end());
    for (const auto& [name, launches] : anywhere[op]) {
      if (kernels.contains(name)) continue;
      if (here[op].contains(name)) {
        one.in_reserve.push_back(name);
        continue;
      }
      one.refused.emplace_back(name, reason_against(name, device, element));
    }
  }
  return result;
}

}  // namespace kiln::app
