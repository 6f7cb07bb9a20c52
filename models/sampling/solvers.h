// The samplers: each a function from a run to its step table. samplers.cpp lists them by name.
#pragma once

#include "models/sampling/step_table.h"
#include "models/sampling/table_builder.h"

namespace kiln {

// Of multistep solvers: below, their last steps use a lower order (diffusers, lower_order_final).
inline constexpr std::uint32_t kFewSteps = 15;

StepTable ddpm(const SamplerRun& run);              // Ho et al., 2020
StepTable ddim(const SamplerRun& run);              // Song et al., 2021
StepTable pndm(const SamplerRun& run);              // Liu et al., 2022 (PLMS)
StepTable euler(const SamplerRun& run);             // Karras et al., 2022
StepTable euler_ancestral(const SamplerRun& run);   // k-diffusion
StepTable heun(const SamplerRun& run);              // Karras et al., 2022, algorithm 1
StepTable dpm2(const SamplerRun& run);              // Lu et al., 2022, DPM-Solver-2
StepTable dpm2_ancestral(const SamplerRun& run);    // k-diffusion
StepTable lms(const SamplerRun& run);               // linear multistep, order 4
StepTable dpmpp_multistep(const SamplerRun& run);   // Lu et al., 2022: 2M, 3M, SDE
StepTable dpmpp_singlestep(const SamplerRun& run);  // Lu et al., 2022: 2S
StepTable dpmpp_sde(const SamplerRun& run);         // k-diffusion
StepTable unipc(const SamplerRun& run);             // Zhao et al., 2023
StepTable deis(const SamplerRun& run);              // Zhang & Chen, 2023
StepTable lcm(const SamplerRun& run);               // Luo et al., 2023
StepTable tcd(const SamplerRun& run);               // Zheng et al., 2024

}  // namespace kiln
