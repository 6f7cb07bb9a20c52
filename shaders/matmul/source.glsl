// Where output row r of a product reads its input at a tap: index of the pixel's first value, and
// whether it is inside the picture. The window walks on a picture UPSCALE times as high and wide as x,
// whose pixel (v, u) is x's (v / UPSCALE, u / UPSCALE). Uses inputs, in_* and out_* of Args, KERNEL,
// STRIDE, PADDING.
#include "common/quotient.glsl"

void source(uint row, uint tap_y, uint tap_x, out uint base, out bool inside) {
  if (KERNEL == 1 && STRIDE == 1) {
    base = row * inputs;
    inside = true;
    return;
  }
  const uint pixels = out_height * out_width;
  const uint image = quotient(row, pixels), pixel = row - image * pixels;
  const uint line = quotient(pixel, out_width), column = pixel - line * out_width;
  const uint in_y = line * STRIDE + tap_y - PADDING;  // wraps below 0: not inside
  const uint in_x = column * STRIDE + tap_x - PADDING;
  inside = in_y < in_height * UPSCALE && in_x < in_width * UPSCALE;
  const uint line_of_x = image * in_height + in_y / UPSCALE;
  base = inside ? (line_of_x * in_width + in_x / UPSCALE) * inputs : 0;
}
