// The kernels that can serve a matrix product, best first; shared by linear and conv2d.
#pragma once

#include "runtime/ops/candidate.h"

namespace kiln {

// y[rows, outputs] = activation(x * weight + bias + addend); a convolution gathers x's rows.
struct MatmulProblem {
  std::uint32_t rows = 0, inputs = 0, outputs = 0;                           // inputs: of one tap
  std::uint32_t in_height = 1, in_width = 1, out_height = 1, out_width = 1;  // in: as x is stored
  std::uint32_t kernel = 1, stride = 1, padding = 0;
  std::uint32_t upscale = 1;  // 2: the window walks on x with each pixel two by two times
  bool has_bias = false;
  std::size_t addend_input = 0;   // which input of the op is added; 0: none
  std::uint32_t addend_rows = 0;  // rows of y that share one of its rows; 0: all
  std::uint32_t activation = 0;   // shaders/common/activation.glsl
  // Rows of y before this one are not written: they stand in a band only to keep its alignment.
  std::uint32_t first_row = 0;
  bool is_band = false;  // a part of a picture: its input may have more or fewer lines than y

  std::uint64_t flops_a_row() const { return 2ull * inputs * outputs * kernel * kernel; }
};

using MatmulCandidate = Candidate<MatmulProblem>;

// "matmul 8192x320x1280 F16" (rows, outputs, inputs), or for taps, strides or an upscaled x
// "conv 2x64x64x320->320 s2 F16", "conv 2x32x32x640->640 up2 F16", as `kiln bench kernels` writes
// shapes. Empty for bands: their sizes follow from the device.
std::string problem_name(const MatmulProblem& problem, DType element);

// Best first.
std::span<const MatmulCandidate> matmul_candidates();

void lower_matmul(Lowering& to, const MatmulProblem& problem);

}  // namespace kiln
