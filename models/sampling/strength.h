// Image to image: which step a strength starts at.
#pragma once

#include <cstdint>

namespace kiln {

// strength: 0 to 1, else Error (usage). It is taken as the decimal number it was written as, so
// that 0.9 of 10 steps are 9. Both return a start step for SamplerChoice.

// diffusers: the last min(int(steps * strength), steps) steps are run; none may be.
std::uint32_t diffusers_start_step(std::uint32_t steps, float strength);

// A1111 and stable-diffusion.cpp: int(steps * min(strength, 0.999)) + 1 steps are run.
std::uint32_t a1111_start_step(std::uint32_t steps, float strength);

}  // namespace kiln
