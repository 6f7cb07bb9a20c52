// The commands of the program, one function each; every one adds itself to the command line.
#pragma once

#include <CLI/CLI.hpp>

namespace kiln::app {

void add_txt2img(CLI::App& program);
void add_img2img(CLI::App& program);
void add_encode(CLI::App& program);
void add_decode(CLI::App& program);
void add_devices(CLI::App& program);
void add_samplers(CLI::App& program);
void add_plan(CLI::App& program);
void add_verify(CLI::App& program);
void add_info(CLI::App& program);

}  // namespace kiln::app
