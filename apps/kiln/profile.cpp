// profile: runs another command and tells where the device's time went.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>

#include "apps/kiln/commands.h"
#include "apps/kiln/profile_report.h"
#include "apps/kiln/profile_trace.h"
#include "runtime/base/error.h"
#include "runtime/weights/output_file.h"

namespace kiln::app {
namespace {

struct ProfileArguments {
  std::vector<std::string> command;
  std::string trace;
  std::optional<std::uint32_t> capture;
  std::uint32_t depth = 3;
  bool json = false, once = false;
};

// While it lives, what the command (or a driver) prints on stdout goes to stderr: stdout is the
// report's.
class StdoutOnStderr {
 public:
  StdoutOnStderr() : kept_(dup(STDOUT_FILENO)) {
    std::fflush(stdout);
    dup2(STDERR_FILENO, STDOUT_FILENO);
  }
  ~StdoutOnStderr() {
    std::fflush(stdout);
    dup2(kept_, STDOUT_FILENO);
    close(kept_);
  }
  StdoutOnStderr(const StdoutOnStderr&) = delete;
  StdoutOnStderr& operator=(const StdoutOnStderr&) = delete;

 private:
  int kept_;
};

void run_command(const ProfileArguments& arguments, const std::shared_ptr<Profile>& profile) {
  CLI::App program("A command whose work on the device is measured.", "kiln profile --");
  program.require_subcommand(1);
  program.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  add_txt2img(program, profile);
  add_img2img(program, profile);
  add_encode(program, profile);
  add_decode(program, profile);
  const std::string& name = arguments.command.front();
  const auto named = [&](const CLI::App* command) { return command->get_name() == name; };
  if (program.get_subcommands(named).empty()) {
    fail_usage("profile", "'{}' is no command that works on a device: {}", name,
               "txt2img, img2img, encode or decode");
  }
  std::vector<std::string> words(arguments.command.rbegin(), arguments.command.rend());
  const StdoutOnStderr quiet;
  try {
    program.parse(std::move(words));
  } catch (const CLI::Success& wanted) {  // --help
    program.exit(wanted);
  }
}

Peaks quiet_peaks(const PhysicalDeviceInfo& device) {
  const StdoutOnStderr quiet;
  return measure_peaks(device);
}

void capture_step(const ProfileArguments& arguments) {
  const auto profile = std::make_shared<Profile>(Timing::none);
  profile->capture("denoise", *arguments.capture);
  run_command(arguments, profile);
  if (profile->captured_file().empty()) {
    fail("capture", "the command has no step {}; the first is 0", *arguments.capture);
  }
  fmt::print("{}\n", profile->captured_file());
}

void write_trace(OutputFile& file, const Profile& profile) {
  const std::string text = chrome_trace(profile).dump(1) + '\n';
  file.write(std::as_bytes(std::span(text)));
  file.commit();
}

void run(const ProfileArguments& arguments) {
  if (arguments.capture) return capture_step(arguments);
  std::optional<OutputFile> trace;
  if (!arguments.trace.empty()) trace.emplace(arguments.trace);
  std::shared_ptr<Profile> plain;
  if (!arguments.once) {
    plain = std::make_shared<Profile>(Timing::submissions);
    run_command(arguments, plain);
    if (!plain->device()) return;  // only its help was wanted
  }
  const auto detailed = std::make_shared<Profile>(Timing::dispatches);
  run_command(arguments, detailed);
  if (!detailed->device()) return;
  const ProfileReport report{
      .command = fmt::format("{}", fmt::join(arguments.command, " ")),
      .detailed = *detailed,
      .plain = plain.get(),
      .peaks = quiet_peaks(*detailed->device()),
      .depth = arguments.depth,
  };
  if (trace) write_trace(*trace, *detailed);
  fmt::print("{}\n", arguments.json ? report_json(report).dump(2) : report_text(report));
}

}  // namespace

void add_profile(CLI::App& program) {
  const auto arguments = std::make_shared<ProfileArguments>();
  CLI::App* command = program.add_subcommand(
      "profile", "where the device's time goes: kiln profile [options] -- txt2img ...");
  command
      ->add_option("command", arguments->command,
                   "after --: txt2img, img2img, encode or decode with its options")
      ->required()
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command->add_option("--trace", arguments->trace,
                      "write every dispatch as a trace for Perfetto or chrome://tracing");
  command->add_option("--depth", arguments->depth, "words of scope paths shown; 0: none")
      ->capture_default_str();
  command->add_flag("--once", arguments->once,
                    "run the command once, not a second time without times for each dispatch; the "
                    "overhead then stays unknown");
  command->add_option("--capture", arguments->capture,
                      "measure nothing; let RenderDoc capture this step (0: the first)");
  command->add_flag("--json", arguments->json, "print as JSON");
  command->callback([arguments] { run(*arguments); });
}

}  // namespace kiln::app
