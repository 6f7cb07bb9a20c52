// bench: how fast kernels, stages and whole pictures are, and what share of the peak that is.
#include "apps/kiln/bench.h"

#include "apps/kiln/commands.h"

namespace kiln::app {

void add_bench(CLI::App& program) {
  CLI::App* command =
      program.add_subcommand("bench", "how fast kernels, stages and whole pictures are");
  command->require_subcommand(1);
  add_bench_kernels(*command);
  add_bench_stages(*command);
  add_bench_picture(*command);
}

}  // namespace kiln::app
