// Pass 4: barriers by overlapping byte ranges, so that memory reuse and data flow are one rule.
#pragma once

#include <span>
#include <vector>

#include "runtime/graph/dispatch.h"

namespace kiln {

// Sets barrier_before where a dispatch reads or writes bytes written since the last barrier, or
// writes bytes read since then; with after_copies where the bytes come from an upload, and where
// uploads are recorded (which overwrite what was read before). A barrier among kernels alone does
// not wait for uploads, so that they run beside the dispatches before their use. uploads: in the
// order of their dispatches. Returns the number of dispatches with a barrier. Ranges must be
// filled.
std::uint32_t plan_barriers(std::vector<Dispatch>& dispatches,
                            std::span<const Upload> uploads = {});

}  // namespace kiln
