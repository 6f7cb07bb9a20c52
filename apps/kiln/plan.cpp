// plan: what a stage would do, for a model and a size; needs no device.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "apps/kiln/commands.h"
#include "apps/kiln/options.h"
#include "models/families/model.h"
#include "models/pipeline/memory_budget.h"
#include "models/pipeline/request_check.h"
#include "models/pipeline/stages.h"
#include "runtime/base/error.h"

namespace kiln::app {
namespace {

struct PlanArguments {
  std::string model, config, precision = "f16", stage = "all", max_memory;
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

struct Planned {
  std::vector<Plan> plans;
  FittedMemory memory;
};

// The plans of the stages asked for; with_image: `all` includes the encoder.
std::vector<Plan> plans(const PlanArguments& arguments, const Model& model,
                        const StageTarget& target, bool with_image) {
  const std::uint32_t width = arguments.width.value_or(model.native_size);
  const std::uint32_t height = arguments.height.value_or(model.native_size);
  const float guidance =
      arguments.guidance.value_or(model.defaults.guidance.value_or(SamplerSettings{}.guidance));
  check_size(width, height, model);
  check_images(arguments.images);
  const StageShape shape = stage_shape(model, width, height, arguments.images, guidance > 1);
  std::vector<Plan> made;
  const auto wanted = [&](std::string_view name) {
    return arguments.stage == name ||
           (arguments.stage == "all" && (name != "encode" || with_image));
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

Planned planned(const PlanArguments& arguments, const Model& model, const DeviceProfile& device,
                bool with_image) {
  StageTarget target;
  target.device = &device;
  target.element = arguments.precision == "f16" ? DType::f16 : DType::f32;
  const auto with = [&](const Measures& measures) {
    target.measures = measures;
    return plans(arguments, model, target, with_image);
  };
  const std::uint64_t limit =
      arguments.max_memory.empty() ? 0 : parse_memory("--max-memory", arguments.max_memory);
  Planned result;
  result.memory = fit_memory(with, limit, device.binding_alignment);
  result.plans = with(result.memory.measures);
  return result;
}

nlohmann::json memory_json(const FittedMemory& memory) {
  const MemoryNeeds& needs = memory.needs;
  return {{"device_bytes", needs.device_bytes()},
          {"weight_bytes", needs.weight_bytes},
          {"arena_bytes", needs.arena_bytes},
          {"largest_stage", needs.largest_stage},
          {"shared_bytes", needs.persistent_bytes},
          {"host_bytes", needs.host_bytes()},
          {"measures", to_text(memory)}};
}

void print_json(const Planned& picture, const Planned& from_image) {
  nlohmann::json list = nlohmann::json::array();
  for (const Plan& plan : from_image.plans) {
    list.push_back({{"stage", plan.name},
                    {"nodes_recorded", plan.recorded_nodes},
                    {"nodes", plan.nodes.size()},
                    {"dispatches", plan.dispatches.size()},
                    {"barriers", plan.barriers},
                    {"flops", plan.flops()},
                    {"weight_tensors", plan.sources.size()},
                    {"parameters", plan.weight_elements()},
                    {"weight_bytes", plan.weight_bytes()},
                    {"streamed_bytes", plan.streamed_bytes()},
                    {"arena_bytes", plan.arena_bytes},
                    {"activation_bytes", plan.sum_bytes},
                    {"live_peak_bytes", plan.live_peak_bytes}});
  }
  const nlohmann::json result = {{"stages", list},
                                 {"memory", memory_json(picture.memory)},
                                 {"memory_from_image", memory_json(from_image.memory)}};
  fmt::print("{}\n", result.dump(2));
}

void print_memory(std::string_view of, const FittedMemory& memory) {
  const MemoryNeeds& needs = memory.needs;
  fmt::print(
      "memory, {}: {} on the device at most: weights {}, arena {} (stage {}), tensors shared "
      "by stages {}; {} on the host\n",
      of, gigabytes(needs.device_bytes()), gigabytes(needs.weight_bytes),
      gigabytes(needs.arena_bytes), needs.largest_stage, gigabytes(needs.persistent_bytes),
      gigabytes(needs.host_bytes()));
  for (const std::string& measure : to_text(memory)) fmt::print("  {}\n", measure);
}

// to_text() ends with three lines of totals; the dispatches stand above them.
std::string summary(const Plan& plan) {
  const std::string text = plan.to_text();
  std::size_t at = text.size() - 1;
  for (int line = 0; line < 3 && at != std::string::npos; ++line) at = text.rfind('\n', at - 1);
  return text.substr(0, text.find('\n') + 1) + text.substr(at + 1);
}

void run(const PlanArguments& arguments) {
  if (arguments.precision != "f16" && arguments.precision != "f32") {
    fail_usage("--precision", "is '{}', expected f16 or f32", arguments.precision);
  }
  const DeviceProfile device = ordinary_device();
  const Model model =
      open_model(arguments.model.empty() ? default_model() : arguments.model,
                 {.config_folder = arguments.config, .vocabulary_folder = {}, .warn = {}});
  const Planned picture = planned(arguments, model, device, false);
  const Planned from_image =
      arguments.stage == "all" ? planned(arguments, model, device, true) : picture;
  if (arguments.json) return print_json(picture, from_image);
  for (const Plan& plan : from_image.plans) {
    fmt::print("{}\n", arguments.full ? plan.to_text() : summary(plan));
  }
  if (arguments.stage != "all") return print_memory("this stage", picture.memory);
  print_memory("txt2img", picture.memory);
  print_memory("img2img", from_image.memory);
}

}  // namespace

void add_plan(CLI::App& program) {
  const auto arguments = std::make_shared<PlanArguments>();
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
  add_max_memory(*command, arguments->max_memory);
  command->add_flag("--full", arguments->full, "every dispatch, with memory and barriers");
  command->add_flag("--json", arguments->json, "print the totals as JSON");
  command->callback([arguments] { run(*arguments); });
}

}  // namespace kiln::app
