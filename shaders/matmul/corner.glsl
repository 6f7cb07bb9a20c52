// source.glsl for kernels that come back to the same rows at every tap: divisions once, then a few
// additions for each tap. Uses inputs, in_* and out_* of Args, KERNEL, STRIDE, PADDING, UPSCALE.

// Where an output row's window begins: index of that pixel's first value (of the image's, where x is
// upscaled), and its position. They wrap below 0, where they are outside.
struct Corner {
  uint base, y, x;
};

Corner corner_of(uint row) {
  if (KERNEL == 1 && STRIDE == 1) return Corner(row * inputs, 0, 0);
  const uint pixels = out_height * out_width;
  const uint image = row / pixels, pixel = row % pixels;
  const uint y = pixel / out_width * STRIDE - PADDING, x = pixel % out_width * STRIDE - PADDING;
  if (UPSCALE > 1) return Corner(image * in_height * in_width * inputs, y, x);
  return Corner(((image * in_height + y) * in_width + x) * inputs, y, x);
}

// Index of the first value at a tap; 0 outside the picture.
uint base_at(Corner corner, uint tap_y, uint tap_x, out bool inside) {
  const uint y = corner.y + tap_y, x = corner.x + tap_x;
  inside = KERNEL == 1 || (y < in_height * UPSCALE && x < in_width * UPSCALE);
  if (UPSCALE > 1) {
    return inside ? corner.base + (y / UPSCALE * in_width + x / UPSCALE) * inputs : 0;
  }
  return inside ? corner.base + (tap_y * in_width + tap_x) * inputs : 0;
}
