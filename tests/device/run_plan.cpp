// One submission of one plan, on an executor of its own.
#include "tests/device/run_plan.h"

#include <algorithm>

#include "runtime/base/error.h"
#include "runtime/execution/executor.h"
#include "tests/device/device_under_test.h"

namespace kiln::test {

DeviceProfile device_profile() { return device_under_test().profile(); }

Contents run_plan(const Plan& plan, const Contents& writes, const std::vector<std::string>& reads) {
  Executor executor(device_under_test().device());
  const std::unique_ptr<Stage> stage = executor.prepare(plan);
  for (const auto& [name, bytes] : writes) executor.write(name, bytes);
  executor.wait(stage->submit());
  Contents contents;
  for (const std::string& name : reads) {
    const auto found = std::find_if(plan.persistents.begin(), plan.persistents.end(),
                                    [&](const auto& tensor) { return tensor.name == name; });
    if (found == plan.persistents.end()) fail("test", "the plan has no tensor {}", name);
    std::vector<std::byte> bytes(found->shape.elements() * size_bytes(found->dtype));
    executor.read(name, bytes);
    contents[name] = std::move(bytes);
  }
  return contents;
}

}  // namespace kiln::test
