// The storage type `element` and its conversions; a shader that includes this file is compiled once
// for each element type. All arithmetic is float32, so 16-bit storage is all a device must offer.
#extension GL_EXT_control_flow_attributes : enable

#if defined(ELEMENT_F16)
#extension GL_EXT_shader_16bit_storage : require
#define element float16_t
#define element4 f16vec4
#elif defined(ELEMENT_F32)
#define element float
#define element4 vec4
#else
#error "define ELEMENT_F32 or ELEMENT_F16"
#endif

// Macros, since a function's parameter of 16 bits would ask for 16-bit arithmetic.
#define load(value) float(value)
#define load4(value) vec4(value)
#define store(value) element(storable(value))
#define store4(value) element4(storable(value))

// Four elements, read as words: software Vulkan is faster so where all lanes read the same ones.
#if defined(ELEMENT_F16)
#define packed4 uvec2
vec4 load_packed4(uvec2 value) { return vec4(unpackHalf2x16(value.x), unpackHalf2x16(value.y)); }
#else
#define packed4 vec4
vec4 load_packed4(vec4 value) { return value; }
#endif

// Saturates 16-bit storage: an overflow must not become infinity, and from there NaN.
#if defined(ELEMENT_F16)
float storable(float value) { return isnan(value) ? value : clamp(value, -65504.0, 65504.0); }
vec4 storable(vec4 value) {
  return mix(clamp(value, vec4(-65504.0), vec4(65504.0)), value, isnan(value));
}
#else
float storable(float value) { return value; }
vec4 storable(vec4 value) { return value; }
#endif

// Number of this workgroup in a launch that was folded into x and y (Lowering::folded).
uint folded_workgroup() { return gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x; }
