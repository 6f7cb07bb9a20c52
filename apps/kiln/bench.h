// The parts of `kiln bench`: each adds its command to that of the program.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace kiln::app {

void add_bench_kernels(CLI::App& bench);

}  // namespace kiln::app
