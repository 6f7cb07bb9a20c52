// verify: tests each kernel, compares networks with double, or runs golden tensors through this
// machine's driver and says how far the engine is off.
#include "apps/kiln/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "apps/kiln/commands.h"
#include "apps/kiln/options.h"
#include "models/pipeline/avoid_list.h"
#include "runtime/base/error.h"
#include "runtime/weights/json_text.h"

namespace kiln::app {

bool VerifyOptions::wants(std::string_view name) const {
  return only.empty() || std::any_of(only.begin(), only.end(), [&](const std::string& part) {
           return name.find(part) != name.npos;
         });
}

namespace {

namespace fs = std::filesystem;

struct VerifyArguments {
  std::string golden, precision = "f32", device;
  std::vector<std::string> avoid, only;
  BisectOptions bisect;
  bool json = false, strict = false;
};

ModelOptions model_options(const VerifyOptions& options, const fs::path& model,
                           const fs::path& config = {}) {
  ModelOptions result;
  result.model = model.string();
  result.config_folder = config.string();
  result.device = options.device;
  result.precision = options.precision;
  result.avoid = options.avoid;
  return result;
}

void verify_model(const VerifyOptions& options, const fs::path& folder, Report& report) {
  if (fs::is_directory(folder / "text_encoder_2")) {
    report.unsupported.push_back("SDXL");
    return;
  }
  const GoldenFolder golden(folder);
  Pipeline pipeline(model_options(options, folder));
  verify_networks(options, pipeline, golden, folder, report);
  if (fs::exists(folder / "golden_large.safetensors") && options.wants("large")) {
    verify_large(options, pipeline, golden, folder, report);
  }
  verify_pipelines(options, pipeline, golden, report);
}

void verify_single_files(const VerifyOptions& options, const fs::path& folder, Report& report) {
  const nlohmann::json keys = read_json(folder / "keys.json");
  const fs::path model = folder / keys.at("model_folder").get<std::string>();
  const GoldenFolder golden(model);
  for (const fs::directory_entry& file : fs::directory_iterator(folder)) {
    const std::string extension = file.path().extension().string();
    if (extension != ".safetensors" && extension != ".ckpt") continue;
    Report one;
    Pipeline pipeline(model_options(options, file.path(), model));
    verify_networks(options, pipeline, golden, model, one);
    for (Comparison& entry : one.comparisons) {
      entry.name = file.path().filename().string() + ": " + entry.name;
      report.comparisons.push_back(std::move(entry));
    }
  }
}

// One case: a folder of the layout in tests/golden/README.md, told by what it holds.
Report verify_folder(const VerifyOptions& options, const fs::path& folder) {
  Report report;
  const std::string name = folder.filename().string();
  if (fs::exists(folder / "keys.json")) {
    verify_single_files(options, folder, report);
  } else if (fs::exists(folder / "model_index.json")) {
    verify_model(options, folder, report);
  } else if (name == "ops") {
    verify_operations(options, folder, report);
  } else if (name == "schedulers") {
    verify_schedulers(options, folder, report);
  } else if (name == "rng") {
    verify_random(options, folder, report);
  } else if (name.ends_with("img2img")) {
    verify_image_to_image(options, folder, report);
  } else {
    report.unsupported.push_back("golden data of this kind");
  }
  return report;
}

std::vector<fs::path> folders_of(const fs::path& golden) {
  if (!fs::is_directory(golden)) fail("--golden", "'{}' is no folder", golden.string());
  if (fs::exists(golden / "golden.json") || fs::exists(golden / "keys.json")) return {golden};
  std::vector<fs::path> folders;
  for (const fs::directory_entry& entry : fs::directory_iterator(golden)) {
    const bool holds_a_case =
        fs::exists(entry.path() / "golden.json") || fs::exists(entry.path() / "keys.json");
    if (entry.is_directory() && holds_a_case) folders.push_back(entry.path());
  }
  if (folders.empty()) fail("--golden", "'{}' holds no golden folder", golden.string());
  std::sort(folders.begin(), folders.end());
  return folders;
}

void print(const std::string& folder, const Report& report) {
  for (const Comparison& entry : report.comparisons) {
    fmt::print("{} {:<64} nrmse {:.2e} max {:.2e} bound {:.1e}{}{}\n",
               entry.passed ? "pass" : "FAIL", folder + "/" + entry.name, entry.nrmse,
               entry.max_relative, entry.bound, entry.note.empty() ? "" : "  ", entry.note);
  }
  for (const std::string& what : report.unsupported) {
    fmt::print("unsupported {}: {}\n", folder, what);
  }
}

nlohmann::json as_json(const std::string& folder, const Report& report) {
  nlohmann::json tensors = nlohmann::json::array();
  for (const Comparison& entry : report.comparisons) {
    tensors.push_back({{"name", entry.name},
                       {"nrmse", entry.nrmse},
                       {"max_relative", entry.max_relative},
                       {"bound", entry.bound},
                       {"passed", entry.passed},
                       {"note", entry.note}});
  }
  return {{"folder", folder}, {"tensors", tensors}, {"unsupported", report.unsupported}};
}

VerifyOptions options_of(const VerifyArguments& arguments) {
  VerifyOptions options;
  options.device = arguments.device;
  options.avoid = full_kernel_names(arguments.avoid);
  if (arguments.precision != "f32" && arguments.precision != "f16") {
    fail_usage("--precision", "is '{}', expected f32 or f16", arguments.precision);
  }
  options.only = arguments.only;
  options.precision = arguments.precision == "f16" ? Precision::f16 : Precision::f32;
  return options;
}

void run_golden(const VerifyArguments& arguments) {
  const VerifyOptions options = options_of(arguments);
  std::size_t tensors = 0, failures = 0, unsupported = 0;
  std::string first_failure;
  nlohmann::json results = nlohmann::json::array();
  for (const fs::path& folder : folders_of(arguments.golden)) {
    const std::string name = folder.filename().string();
    const Report report = verify_folder(options, folder);
    tensors += report.comparisons.size();
    failures += report.failures();
    unsupported += report.unsupported.size();
    for (const Comparison& entry : report.comparisons) {
      if (!entry.passed && first_failure.empty()) first_failure = name + "/" + entry.name;
    }
    if (arguments.json) {
      results.push_back(as_json(name, report));
    } else {
      print(name, report);
    }
  }
  if (arguments.json) {
    fmt::print("{}\n", results.dump(2));
  } else {
    fmt::print("{} tensors, {} failed, {} unsupported\n", tensors, failures, unsupported);
  }
  if (failures > 0) fail("verify", "{} tensors are off, the first is {}", failures, first_failure);
  if (tensors == 0 && unsupported == 0) {
    fail("verify", "nothing was compared{}",
         arguments.only.empty() ? "" : ": no case has a name with what --only says");
  }
  if (arguments.strict && unsupported > 0) fail("verify", "{} cases unsupported", unsupported);
}

void run(const VerifyArguments& arguments) {
  if (!arguments.golden.empty() && !arguments.bisect.model.empty()) {
    fail_usage("verify", "--golden and --bisect are two different checks; give one");
  }
  if (!arguments.golden.empty()) return run_golden(arguments);
  if (!arguments.only.empty()) fail_usage("--only", "chooses cases of --golden; give that, too");
  if (!arguments.bisect.model.empty()) {
    BisectOptions bisect = arguments.bisect;
    bisect.json = arguments.json;
    return run_bisect(options_of(arguments), bisect);
  }
  run_self_test(options_of(arguments), arguments.json);
}

}  // namespace

void add_verify(CLI::App& program) {
  const auto arguments = std::make_shared<VerifyArguments>();
  CLI::App* command = program.add_subcommand(
      "verify", "test every kernel on this device against double precision on the CPU");
  command->add_option("--golden", arguments->golden,
                      "compare with this folder of golden data instead");
  add_repeated(
      *command, "--only", arguments->only,
      "of --golden the cases with this in their names, or of a model's tokens, text, unet, "
      "vae, large or pipe/NAME/; may be given several times");
  command->add_option("--bisect", arguments->bisect.model,
                      "run this model's networks instead and name the first node that is wrong");
  command->add_option("-W,--width", arguments->bisect.width, "pixels, with --bisect")
      ->capture_default_str();
  command->add_option("-H,--height", arguments->bisect.height, "pixels, with --bisect")
      ->capture_default_str();
  command
      ->add_option("--precision", arguments->precision,
                   "f32 or f16; without --golden and --bisect both are tested")
      ->capture_default_str();
  command->add_option("-d,--device", arguments->device, "device: number or part of a name");
  add_avoid(*command, arguments->avoid);
  command->add_flag("--json", arguments->json, "print as JSON");
  command->add_flag("--strict", arguments->strict, "unsupported golden cases fail too");
  command->callback([arguments] { run(*arguments); });
}

}  // namespace kiln::app
