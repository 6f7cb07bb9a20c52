// The storage type in words, as software Vulkan reads and writes it fastest: two values each in 16 bits.
#include "common/half_bits.glsl"
#if defined(ELEMENT_F16)
#define word uint
const uint kWidth = 2;
vec2 values(uint loaded) { return unpackHalf2x16(loaded); }
uint word_of(vec2 value) { return pack_halves(value); }
#else
#define word float
const uint kWidth = 1;
vec2 values(float loaded) { return vec2(loaded, 0); }
float word_of(vec2 value) { return value.x; }
#endif
