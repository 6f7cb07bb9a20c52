// The step table: what one network evaluation does to the latents, as plain numbers for the device.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace kiln {

// Latents a solver keeps on the device: slot 0 is the latent the network sees, the rest are helpers
// (earlier predictions, a saved latent). Six serve the hungriest one, PNDM with its Runge-Kutta
// start: latent, saved latent, running sum and three earlier outputs.
inline constexpr std::size_t kSlots = 6;

// Columns of StepRow::update.
inline constexpr std::size_t kPredictionColumn = kSlots;
inline constexpr std::size_t kNoiseColumn = kSlots + 1;
inline constexpr std::size_t kUpdateColumns = kSlots + 2;

inline constexpr std::uint32_t kNoNoise = 0xffffffffu;

// One network evaluation. The bytes go to the device as they are (std430: 32-bit words, 224 bytes).
// With all slots zero but slot 0 at the start, a row means, element by element:
//   input      = input_scale * slot[0]                          to the network, with timestep
//   guided     = uncond + guidance * (cond - uncond)            or cond alone without guidance
//   guided     = mix(guided, guided * std(cond) / std(guided), guidance_rescale)   std per image
//   prediction = skip_scale * slot[0] + output_scale * guided   the clean latent the network sees
//   slot[i]    = sum_j update[i][j] * slot[j]
//                + update[i][6] * prediction + update[i][7] * noise     all i from the old slots
// where noise is unit normal, read only when noise_draw is not kNoNoise.
struct StepRow {
  float timestep = 0;          // word 0: told to the network; may have a fraction
  float input_scale = 1;       // word 1
  float skip_scale = 0;        // word 2
  float output_scale = 1;      // word 3
  float guidance = 1;          // word 4: classifier-free guidance scale
  float guidance_rescale = 0;  // word 5: 0 off; Lin et al., 2023, section 3.4
  // word 6: which tensor of the noise stream this row uses, or kNoNoise. Draw 0 is the start noise,
  // the rows' draws count on from 1 in the order used.
  std::uint32_t noise_draw = kNoNoise;
  std::uint32_t step = 0;                  // word 7: the step this row belongs to, from 0
  float update[kSlots][kUpdateColumns]{};  // words 8 to 55, row by row; 32 bytes (two vec4) a row
};
static_assert(sizeof(StepRow) == 4 * (8 + kSlots * kUpdateColumns) && sizeof(StepRow) % 16 == 0);

// A sampling run, from its start step to the end.
struct StepTable {
  std::vector<StepRow> rows;

  // How slot 0 starts: from noise alone, noise * initial_scale; from a clean latent,
  // clean * clean_scale + noise * noise_scale. The other slots start as zeros.
  float initial_scale = 1;
  float clean_scale = 0;
  float noise_scale = 1;

  // The whole schedule as the reference lists it, also what lies before the start step:
  // timesteps, one a network call; sigmas where the sampler works in sigmas, else empty.
  std::vector<double> timesteps;
  std::vector<double> sigmas;
  std::uint32_t first_call = 0;  // rows[i] is call first_call + i of timesteps

  std::vector<std::uint32_t> step_begins;  // the row that begins each step that is run
  std::uint32_t noise_draws = 0;           // step noises in all, the start noise not counted
};

}  // namespace kiln
