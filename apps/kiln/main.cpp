// The program `kiln`: one command line, a file per command, and the exit codes.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <new>

#include "apps/kiln/commands.h"
#include "apps/kiln/terminal.h"
#include "runtime/base/error.h"

namespace {

constexpr int kFailed = 1, kWrongUsage = 2, kInterrupted = 130;

int exit_code(kiln::Fault fault) {
  switch (fault) {
    case kiln::Fault::usage:
      return kWrongUsage;
    case kiln::Fault::cancelled:
      return kInterrupted;
    case kiln::Fault::failed:
      break;
  }
  return kFailed;
}

int run(int argc, char** argv) {
  CLI::App program("Pictures from words on any Vulkan device.", "kiln");
  program.require_subcommand(1);
  // Of an option given twice the last one counts, so that a script's defaults can be overridden.
  program.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  program.set_version_flag("--version", "kiln " KILN_VERSION);
  kiln::app::add_txt2img(program);
  kiln::app::add_img2img(program);
  kiln::app::add_encode(program);
  kiln::app::add_decode(program);
  kiln::app::add_devices(program);
  kiln::app::add_samplers(program);
  kiln::app::add_models(program);
  kiln::app::add_plan(program);
  kiln::app::add_verify(program);
  kiln::app::add_info(program);
  kiln::app::add_profile(program);
  kiln::app::add_compile(program);
  kiln::app::add_bench(program);
  kiln::app::add_tune(program);
  const auto commands = program.get_subcommands([](const CLI::App*) { return true; });
  const bool known = argc < 2 || argv[1][0] == '-' ||
                     std::any_of(commands.begin(), commands.end(), [&](const CLI::App* command) {
                       return command->get_name() == argv[1];
                     });
  if (!known) {
    fmt::print(stderr, "kiln: there is no command '{}' (see kiln --help)\n", argv[1]);
    return kWrongUsage;
  }
  try {
    program.parse(argc, argv);
  } catch (const CLI::Success& wanted) {  // --help, --version
    return program.exit(wanted);
  } catch (const CLI::ParseError& error) {
    fmt::print(stderr, "kiln: {} (see kiln --help)\n", error.what());
    return kWrongUsage;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  kiln::app::catch_interrupts();
  try {
    return run(argc, argv);
  } catch (const kiln::Error& error) {
    fmt::print(stderr, "kiln: {}\n", error.what());
    return exit_code(error.fault());
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "kiln: out of memory\n");
  } catch (const std::exception& error) {
    fmt::print(stderr, "kiln: {}\n", error.what());
  }
  return kFailed;
}
