// The cases of the self-test: every operation of the catalogue on shapes of Stable Diffusion and on
// primes, with what it takes over.
#pragma once

#include <string>
#include <vector>

#include "runtime/verification/node_check.h"

namespace kiln {

// All cases for an element type, each a tape of one node after fusion. Built anew at each call; the
// numbers are those of runtime/reference/numbers.h.
std::vector<Tape> known_answers(DType element);

}  // namespace kiln
