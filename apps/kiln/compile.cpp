// compile: every pipeline on a driver, with what its compiler tells of it.
#include "apps/kiln/compile.h"

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <optional>

#include "apps/kiln/commands.h"
#include "models/pipeline/avoid_list.h"
#include "models/pipeline/kiln.h"
#include "runtime/base/error.h"
#include "runtime/verification/spirv_module.h"

namespace kiln::app {
namespace {

struct CompileArguments {
  CompileOptions options;
  bool json = false;
  std::string csv;
  std::optional<std::size_t> child;
};

// The model that pictures are painted with when none is named, if there is one.
void add_default_model(CompileOptions& options) {
  for (const ModelPlace& place : model_places()) {
    if (!place.present) continue;
    options.models.push_back(place.path);
    return;
  }
}

void run(CompileArguments& arguments) {
  CompileOptions& options = arguments.options;
  if (arguments.child) return compile_as_child(options, *arguments.child);
  if (!(options.timeout_s > 0) || options.timeout_s > 3600) {
    fail_usage("--timeout", "is {}, expected seconds above 0 up to 3600", options.timeout_s);
  }
  options.kernels = full_kernel_names(options.kernels);
  for (const std::string& file : options.modules) SpirvModule(file).info();
  if (!options.disassembly.empty()) {
    std::error_code error;
    std::filesystem::create_directories(options.disassembly, error);
    if (error) fail(options.disassembly, "cannot be made: {}", error.message());
  }
  if (options.models.empty()) add_default_model(options);
  const CompileReport report = compile_all(options);
  if (!arguments.csv.empty()) write_csv(report, arguments.csv);
  if (arguments.json) {
    fmt::print("{}\n", as_json(report).dump(2));
  } else {
    print_table(report);
  }
  if (!report.failed()) return;
  std::fflush(stdout);
  std::size_t bad = 0;
  for (const CompiledPipeline& one : report.pipelines) bad += one.bad();
  fail("compile", "{} of {} pipelines spill or are not made on {}; see the marked lines", bad,
       report.pipelines.size(), report.device);
}

CLI::Option* add_list(CLI::App& command, const char* name, std::vector<std::string>& to,
                      const char* help) {
  return command.add_option(name, to, help)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

}  // namespace

void add_compile(CLI::App& program) {
  const auto arguments = std::make_shared<CompileArguments>();
  CompileOptions& options = arguments->options;
  CLI::App* command = program.add_subcommand(
      "compile", "make every pipeline on a device and print what its compiler says of them");
  command->add_option("--device", options.device, "number or part of a name (default: the best)");
  add_list(*command, "-m,--model", options.models,
           "models besides Stable Diffusion 1.5's shapes (default: see `kiln models`)");
  add_list(*command, "--kernel", options.kernels, "only these, such as norm/group_norm");
  add_list(*command, "--module", options.modules,
           "SPIR-V files to compile in place of the engine's kernels");
  command->add_option("--timeout", options.timeout_s, "seconds for one pipeline")
      ->capture_default_str();
  command->add_option("--disassembly", options.disassembly,
                      "a folder for the compiler's internal texts, a file for each pipeline");
  command->add_option("--csv", arguments->csv, "a file for the main columns");
  command->add_flag("--json", arguments->json, "print everything as JSON");
  command->add_option("--child", arguments->child)->group("");
  command->callback([arguments] { run(*arguments); });
}

}  // namespace kiln::app
