// The process that talks to the driver: a line of JSON before and after each pipeline.
#include <fmt/format.h>
#include <sys/prctl.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <utility>

#include "apps/kiln/compile.h"
#include "apps/kiln/compile_set.h"
#include "runtime/base/error.h"
#include "runtime/execution/kernel_library.h"
#include "runtime/execution/open_device.h"
#include "runtime/execution/pipeline_probe.h"
#include "runtime/verification/spirv_module.h"
#include "runtime/weights/output_file.h"

namespace kiln::app {
namespace {

// At once, and whole: whoever reads must know how far we came.
void say(const nlohmann::json& line) {
  std::string text = line.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace) + "\n";
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

struct CompileWork {
  PipelineSet set;
  std::vector<std::unique_ptr<SpirvModule>> modules;
};

// The user's own modules in place of the engine's kernels.
void add_modules(CompileWork& work, const CompileOptions& options, const DeviceProfile& device) {
  for (const std::string& file : options.modules) {
    const KernelInfo& info = work.modules.emplace_back(std::make_unique<SpirvModule>(file))->info();
    std::string reason;
    Dispatch dispatch;
    dispatch.kernel = &info;
    dispatch.arguments.resize(info.arguments_bytes);
    dispatch.ranges.resize(info.operands.size());
    if (!device.serves(info.needs)) {
      reason = "the device lacks " + feature_names(info.needs & ~device.features);
    } else {
      reason = cannot_run(dispatch, device);
      if (!reason.empty()) reason.insert(0, "needs ");
    }
    if (reason.empty()) {
      work.set.pipelines.push_back({&info, {}, file});
    } else {
      work.set.left_out.push_back({std::string(info.name), "", reason});
    }
  }
}

CompileWork list_work(const CompileOptions& options, const DeviceProfile& device) {
  CompileWork work;
  if (!options.modules.empty()) {
    add_modules(work, options, device);
    return work;
  }
  work.set = wanted_pipelines(device, options.models);
  if (options.kernels.empty()) return work;
  const auto unwanted = [&](std::string_view kernel) {
    return std::find(options.kernels.begin(), options.kernels.end(), kernel) ==
           options.kernels.end();
  };
  std::erase_if(work.set.pipelines,
                [&](const WantedPipeline& one) { return unwanted(one.kernel->name); });
  std::erase_if(work.set.left_out, [&](const LeftOut& one) { return unwanted(one.kernel); });
  return work;
}

void say_header(const CompileWork& work, const OpenDevice& device, bool has_statistics,
                bool asked_for) {
  nlohmann::json left_out = nlohmann::json::array();
  for (const LeftOut& one : work.set.left_out) {
    left_out.push_back({{"kernel", one.kernel},
                        {"element", one.element},
                        {"reason", one.reason},
                        {"asked_for", asked_for}});
  }
  say({{"device", device.profile().name},
       {"driver", device.profile().driver},
       {"statistics", has_statistics},
       {"left_out", left_out},
       {"not_planned", work.set.not_planned},
       {"pipelines", work.set.pipelines.size()}});
}

nlohmann::json as_json(const std::vector<PipelineExecutable>& executables) {
  nlohmann::json list = nlohmann::json::array();
  for (const PipelineExecutable& executable : executables) {
    nlohmann::json statistics = nlohmann::json::array();
    for (const PipelineStatistic& one : executable.statistics) {
      statistics.push_back({{"name", one.name}, {"value", one.value}});
    }
    list.push_back({{"name", executable.name},
                    {"subgroup_size", executable.subgroup_size},
                    {"statistics", statistics}});
  }
  return list;
}

// DIR/matmul.matmul_F16_16-4-8.txt
void write_disassembly(const std::string& folder, const WantedPipeline& of,
                       const std::vector<PipelineExecutable>& executables) {
  std::string name = fmt::format("{}_{}", of.kernel->name, to_text(of.kernel->element));
  if (!of.constants.empty()) name += fmt::format("_{}", fmt::join(of.constants, "-"));
  std::replace(name.begin(), name.end(), '/', '.');
  std::string text = of.name() + "\n";
  for (const PipelineExecutable& executable : executables) {
    for (const PipelineRepresentation& one : executable.representations) {
      text += fmt::format("\n==== {}: {} ====\n{}\n", executable.name, one.name, one.text);
    }
  }
  write_file(std::filesystem::path(folder) / (name + ".txt"), std::as_bytes(std::span(text)));
}

}  // namespace

void compile_as_child(const CompileOptions& options, std::size_t first) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // a compiler that hangs must not outlive its watcher
  OpenDevice device({.selector = options.device, .statistics = true, .on_message = {}});
  const PipelineProbe probe(device.device());
  const CompileWork work = list_work(options, device.profile());
  const std::vector<WantedPipeline>& all = work.set.pipelines;
  say_header(work, device, probe.has_statistics(), !options.modules.empty());
  for (std::size_t i = first; i < all.size(); ++i) {
    const WantedPipeline& one = all[i];
    say({{"start", i},
         {"kernel", one.kernel->name},
         {"element", to_text(one.kernel->element)},
         {"constants", fmt::format("{}", fmt::join(one.constants, " "))},
         {"user", one.user}});
    try {
      const ProbedPipeline made =
          probe.make(*one.kernel, one.constants, !options.disassembly.empty());
      if (!options.disassembly.empty()) {
        write_disassembly(options.disassembly, one, made.executables);
      }
      say({{"done", i}, {"ms", made.compile_ms}, {"executables", as_json(made.executables)}});
    } catch (const Error& error) {
      say({{"done", i}, {"problem", error.what()}});
    }
  }
  say({{"end", true}});
}

}  // namespace kiln::app
