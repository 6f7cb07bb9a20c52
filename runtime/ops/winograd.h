// Convolutions of 3x3 by Winograd's F(2x2, 3x3): 16 products for four pixels instead of 36.
#pragma once

#include "runtime/ops/matmul_candidates.h"

namespace kiln {

// Whether the device runs a subgroup as one vector and the convolution is one of 3x3 with stride 1
// and padding 1 whose picture has enough tiles. The same for all sizes of a subgroup and of a
// batch.
bool fits_winograd(const DeviceProfile& device, DType element, const MatmulProblem& problem);

void lower_winograd(Lowering& to, const MatmulProblem& problem);

}  // namespace kiln
