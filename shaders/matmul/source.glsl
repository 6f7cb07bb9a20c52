// Where output row r of a product reads its input at a tap: index of the pixel's first value, and
// whether it is inside the picture. Uses inputs, in_* and out_* of Args, KERNEL, STRIDE, PADDING.
void source(uint row, uint tap_y, uint tap_x, out uint base, out bool inside) {
  if (KERNEL == 1 && STRIDE == 1) {
    base = row * inputs;
    inside = true;
    return;
  }
  const uint pixels = out_height * out_width;
  const uint image = row / pixels, pixel = row % pixels;
  const uint in_y = pixel / out_width * STRIDE + tap_y - PADDING;  // wraps below 0: not inside
  const uint in_x = pixel % out_width * STRIDE + tap_x - PADDING;
  inside = in_y < in_height && in_x < in_width;
  base = inside ? ((image * in_height + in_y) * in_width + in_x) * inputs : 0;
}
