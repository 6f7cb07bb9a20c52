// The commands of the program, one function each; every one adds itself to the command line.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>

#include "models/pipeline/kiln.h"

namespace kiln::app {

// profile: receives what the command does on the device; null: nothing is measured.
void add_txt2img(CLI::App& program, const std::shared_ptr<Profile>& profile = nullptr);
void add_img2img(CLI::App& program, const std::shared_ptr<Profile>& profile = nullptr);
void add_encode(CLI::App& program, const std::shared_ptr<Profile>& profile = nullptr);
void add_decode(CLI::App& program, const std::shared_ptr<Profile>& profile = nullptr);
void add_devices(CLI::App& program);
void add_samplers(CLI::App& program);
void add_models(CLI::App& program);
void add_plan(CLI::App& program);
void add_verify(CLI::App& program);
void add_info(CLI::App& program);
void add_profile(CLI::App& program);
void add_compile(CLI::App& program);
void add_bench(CLI::App& program);
void add_tune(CLI::App& program);

}  // namespace kiln::app
