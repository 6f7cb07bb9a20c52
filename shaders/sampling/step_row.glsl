// The step table as the device reads it: models/sampling/step_table.h, word for word.
#ifndef KILN_STEP_ROW_GLSL
#define KILN_STEP_ROW_GLSL

const uint kSlots = 6u;
const uint kNoNoise = 0xffffffffu;

struct StepRow {
  float timestep;
  float input_scale;
  float skip_scale;
  float output_scale;
  float guidance;
  float guidance_rescale;
  uint noise_draw;
  uint step;
  vec4 update[2 * kSlots];  // two for each slot: by old slots 0..3 | 4, 5, prediction, noise
};

#endif
