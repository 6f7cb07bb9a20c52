// One submission of one plan, on an executor of its own.
#include "tests/device/run_plan.h"

#include <algorithm>

#include "runtime/base/error.h"
#include "runtime/execution/executor.h"
#include "tests/device/device_under_test.h"
#include "tests/device/emulated_dot.h"

namespace kiln::test {

DeviceProfile device_profile() {
  DeviceProfile device = device_under_test().profile();
  if (needs_emulated_dot(device)) device.features |= kNeedMixedDot;
  return device;
}

Contents run_plan(const Plan& plan, const Contents& writes, const std::vector<std::string>& reads) {
  const bool emulates = needs_emulated_dot(device_under_test().profile());
  Executor executor(device_under_test().device(), nullptr,
                    emulates ? with_emulated_dot : KernelReplacement{});
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
