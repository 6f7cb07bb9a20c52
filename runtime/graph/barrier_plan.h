// Pass 4: barriers by overlapping byte ranges, so that memory reuse and data flow are one rule.
#pragma once

#include <vector>

#include "runtime/graph/dispatch.h"

namespace kiln {

// Sets barrier_before where a dispatch reads or writes bytes written since the last barrier, or
// writes bytes read since then. Returns the number of barriers. Ranges must be filled.
std::uint32_t plan_barriers(std::vector<Dispatch>& dispatches);

}  // namespace kiln
