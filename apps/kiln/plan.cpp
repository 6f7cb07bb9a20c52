// plan: what a stage would do, for a model and a size; needs no device.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "apps/kiln/commands.h"
#include "models/families/model.h"
#include "models/pipeline/request_check.h"
#include "models/pipeline/stages.h"
#include "runtime/base/error.h"

namespace kiln::app {
namespace {

struct Arguments {
  std::string model, config, precision = "f16", stage = "all";
  std::optional<std::uint32_t> width, height;
  std::uint32_t images = 1;
  std::optional<float> guidance;
  bool full = false, json = false;
};

// What an ordinary graphics card of today offers; a plan needs some device's limits.
DeviceProfile ordinary_device() {
  DeviceProfile device;
  device.name = "an ordinary device";
  device.kind = DeviceKind::discrete;
  device.features |= kNeedStorage16;
  device.subgroup_size = device.min_subgroup_size = device.max_subgroup_size = 32;
  device.max_workgroup_invocations = 1024;
  device.max_workgroup_size = {1024, 1024, 64};
  device.max_shared_bytes = 32768;
  device.max_storage_buffers = 64;
  device.max_binding_bytes = 2ull << 30;
  return device;
}

std::vector<Plan> plans(const Arguments& arguments, const DeviceProfile& device) {
  const Model model =
      open_model(arguments.model.empty() ? default_model() : arguments.model,
                 {.config_folder = arguments.config, .vocabulary_folder = {}, .warn = {}});
  StageTarget target;
  target.device = &device;
  target.element = arguments.precision == "f16" ? DType::f16 : DType::f32;
  const std::uint32_t width = arguments.width.value_or(model.native_size);
  const std::uint32_t height = arguments.height.value_or(model.native_size);
  const float guidance =
      arguments.guidance.value_or(model.defaults.guidance.value_or(SamplerSettings{}.guidance));
  check_size(width, height, model);
  check_images(arguments.images);
  const StageShape shape = stage_shape(model, width, height, arguments.images, guidance > 1);
  std::vector<Plan> made;
  const auto wanted = [&](std::string_view name) {
    return arguments.stage == "all" || arguments.stage == name;
  };
  if (wanted("text")) made.push_back(plan_text(model, target, shape.prompts(), 0));
  if (wanted("encode")) made.push_back(plan_encode(model, target, shape, NoiseSource::philox));
  if (wanted("start")) made.push_back(plan_start(model, target, shape));
  if (wanted("denoise")) made.push_back(plan_denoise(model, target, shape));
  if (wanted("decode")) made.push_back(plan_decode(model, target, shape));
  if (made.empty()) {
    fail_usage("--stage", "is '{}', expected text, encode, start, denoise, decode or all",
               arguments.stage);
  }
  return made;
}

void print_json(const std::vector<Plan>& made) {
  nlohmann::json list = nlohmann::json::array();
  for (const Plan& plan : made) {
    list.push_back({{"stage", plan.name},
                    {"nodes_recorded", plan.recorded_nodes},
                    {"nodes", plan.nodes.size()},
                    {"dispatches", plan.dispatches.size()},
                    {"barriers", plan.barriers},
                    {"flops", plan.flops()},
                    {"weight_tensors", plan.sources.size()},
                    {"parameters", plan.weight_elements()},
                    {"weight_bytes", plan.weight_bytes()},
                    {"arena_bytes", plan.arena_bytes},
                    {"activation_bytes", plan.sum_bytes},
                    {"live_peak_bytes", plan.live_peak_bytes}});
  }
  fmt::print("{}\n", list.dump(2));
}

// to_text() ends with three lines of totals; the dispatches stand above them.
std::string summary(const Plan& plan) {
  const std::string text = plan.to_text();
  std::size_t at = text.size() - 1;
  for (int line = 0; line < 3 && at != std::string::npos; ++line) at = text.rfind('\n', at - 1);
  return text.substr(0, text.find('\n') + 1) + text.substr(at + 1);
}

void run(const Arguments& arguments) {
  if (arguments.precision != "f16" && arguments.precision != "f32") {
    fail_usage("--precision", "is '{}', expected f16 or f32", arguments.precision);
  }
  const DeviceProfile device = ordinary_device();
  const std::vector<Plan> made = plans(arguments, device);
  if (arguments.json) return print_json(made);
  std::uint64_t weights = 0, arena = 0;
  for (const Plan& plan : made) {
    fmt::print("{}\n", arguments.full ? plan.to_text() : summary(plan));
    weights += plan.weight_bytes();
    arena = std::max(arena, plan.arena_bytes);
  }
  fmt::print("all stages: weights {:.1f} MiB, arena {:.1f} MiB\n", double(weights) / (1 << 20),
             double(arena) / (1 << 20));
}

}  // namespace

void add_plan(CLI::App& program) {
  const auto arguments = std::make_shared<Arguments>();
  CLI::App* command = program.add_subcommand("plan", "what each stage would do; needs no device");
  command->add_option("-m,--model", arguments->model,
                      "a model, or synthetic:sd15 for its shapes (default: see `kiln models`)");
  command->add_option("--config", arguments->config, "for single files: component configs");
  command->add_option("-W,--width", arguments->width, "pixels (default: the model's own)");
  command->add_option("-H,--height", arguments->height, "pixels (default: the model's own)");
  command->add_option("-b,--batch-count,--images", arguments->images, "pictures")
      ->capture_default_str();
  command->add_option("--cfg-scale", arguments->guidance,
                      "1 or less: no guidance (default: the model's, else 7.5)");
  command->add_option("--precision", arguments->precision, "f16 or f32")->capture_default_str();
  command->add_option("--stage", arguments->stage, "text, encode, start, denoise, decode or all")
      ->capture_default_str();
  command->add_flag("--full", arguments->full, "every dispatch, with memory and barriers");
  command->add_flag("--json", arguments->json, "print the totals as JSON");
  command->callback([arguments] { run(*arguments); });
}

}  // namespace kiln::app
