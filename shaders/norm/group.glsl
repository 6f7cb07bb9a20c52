// A group's part of an image, read by a workgroup: needs QUADS, WORKGROUP, x, x4 and group_units.
#ifndef KILN_GROUP_GLSL
#define KILN_GROUP_GLSL

const uint kWidth = QUADS ? 4u : 1u;  // elements of a unit

vec4 read(uint index) { return QUADS ? load4(x4[index]) : vec4(load(x[index])); }
float total(vec4 value) { return QUADS ? (value.x + value.y) + (value.z + value.w) : value.x; }

// A unit of this invocation's share: walked without divisions.
struct Place { uint pixel; uint unit; };
struct Stride { uint pixels; uint units; };

Place first_place(uint first_pixel) {
  return Place(first_pixel + gl_LocalInvocationIndex / group_units,
               gl_LocalInvocationIndex % group_units);
}

Stride place_stride() { return Stride(WORKGROUP / group_units, WORKGROUP % group_units); }

Place next_place(Place place, Stride stride) {
  place.pixel += stride.pixels;
  place.unit += stride.units;
  if (place.unit >= group_units) {
    place.unit -= group_units;
    ++place.pixel;
  }
  return place;
}

#endif
