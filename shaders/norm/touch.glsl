// Brings a vector of channels of many pixels into a CPU's first-level cache. Lanes that load side by
// side wait for each line in turn; loads of one word for all lanes do not wait for one another.
#ifndef KILN_TOUCH_GLSL
#define KILN_TOUCH_GLSL

#if defined(ELEMENT_F16)
#define touched_bits(value) (value)
#else
#define touched_bits(value) floatBitsToUint(value)
#endif

// Loads a word of each pixel in [begin, end), `first` being that of pixel 0. Result: 0 or next to
// nothing, to be added to something, so that no compiler leaves the loads out.
float touch(uint first, uint begin, uint end) {
  uint seen = 0u;
  for (uint p = begin; p < end; ++p) seen = max(seen, touched_bits(x[first + p * words]));
  return seen == 0xffffffffu ? 1e-30 : 0.0;
}

#endif
