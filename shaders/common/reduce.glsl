// Sums over a workgroup, in an order that depends on its size alone. Needs WORKGROUP, a power of
// two, and a workgroup that is WORKGROUP wide and 1 high.
#ifndef KILN_REDUCE_GLSL
#define KILN_REDUCE_GLSL

shared float partial_sums[WORKGROUP];

// The sum of `value` over all invocations, known to each of them. All of them must call it.
float workgroup_sum(float value) {
  const uint lane = gl_LocalInvocationIndex;
  partial_sums[lane] = value;
  barrier();
  for (uint width = WORKGROUP / 2u; width > 0u; width /= 2u) {
    if (lane < width) partial_sums[lane] += partial_sums[lane + width];
    barrier();
  }
  const float sum = partial_sums[0];
  barrier();  // before the next sum overwrites the first one
  return sum;
}

#endif
