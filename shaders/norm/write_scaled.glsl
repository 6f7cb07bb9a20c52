// The last step of group normalization: needs kWidth, QUADS, ACTIVATION, scale, shift, y and y4.
#ifndef KILN_WRITE_SCALED_GLSL
#define KILN_WRITE_SCALED_GLSL

// y = activation(value * scale + shift) for the unit at `index` that begins at `channel`.
void write(uint index, uint channel, vec4 value) {
  vec4 result;
  for (uint k = 0u; k < kWidth; ++k) {
    const float scaled = value[k] * load(scale[channel + k]) + load(shift[channel + k]);
    result[k] = activate(scaled, ACTIVATION);
  }
  if (QUADS) y4[index] = store4(result);
  else y[index] = store(result.x);
}

#endif
