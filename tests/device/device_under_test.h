// The device that tests labelled vulkan run on: the best one the loader offers.
#pragma once

#include "runtime/execution/open_device.h"

namespace kiln::test {

// Opened once a program, with validation when KILN_VALIDATION=1; a message of the validation layer
// fails the test that runs. Throws Error when there is no device.
OpenDevice& device_under_test();

}  // namespace kiln::test
