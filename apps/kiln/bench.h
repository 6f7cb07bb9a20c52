// The parts of `kiln bench`: each adds its command to that of the program.
#pragma once

#include <CLI/CLI.hpp>

namespace kiln::app {

void add_bench_kernels(CLI::App& bench);
void add_bench_stages(CLI::App& bench);
void add_bench_picture(CLI::App& bench);

}  // namespace kiln::app
