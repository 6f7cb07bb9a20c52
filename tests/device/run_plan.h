// Runs a plan on the device under test.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "runtime/graph/plan.h"

namespace kiln::test {

// Facts about the device under test; a feature it lacks is among them if run_plan() emulates it.
DeviceProfile device_profile();

using Contents = std::map<std::string, std::vector<std::byte>>;

// Writes the persistent tensors named in `writes`, runs the plan once and reads those in `reads`.
Contents run_plan(const Plan& plan, const Contents& writes, const std::vector<std::string>& reads);

}  // namespace kiln::test
