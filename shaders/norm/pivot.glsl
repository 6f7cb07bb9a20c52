// The value that a group's statistics are relative to: needs First, first_stride and group.glsl.
#ifndef KILN_PIVOT_GLSL
#define KILN_PIVOT_GLSL

// The group's first element in its image, wherever the bound pixels begin.
float pivot_of(uint group) {
  return load(first_pixel[group / groups * first_stride + group % groups * group_units * kWidth]);
}

#endif
