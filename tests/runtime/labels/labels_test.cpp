// What tools that capture Vulkan see: names of objects and labels of scopes. The functions that
// receive them are replaced in this program, on whatever device is there.
#include <dlfcn.h>
#include <gmock/gmock.h>

#include <cstring>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "runtime/execution/executor.h"
#include "runtime/ops/ops.h"
#include "tests/runtime/vulkan/on_device.h"

namespace kiln {
namespace {

struct Seen {
  std::map<VkObjectType, std::set<std::string>> names;
  std::vector<std::string> labels;  // "+name" where one begins, "-" where one ends
};

Seen& seen() {
  static Seen record;
  return record;
}

VkResult VKAPI_PTR set_name(VkDevice, const VkDebugUtilsObjectNameInfoEXT* info) {
  seen().names[info->objectType].insert(info->pObjectName);
  return VK_SUCCESS;
}

void VKAPI_PTR begin_label(VkCommandBuffer, const VkDebugUtilsLabelEXT* label) {
  seen().labels.push_back(std::string("+") + label->pLabelName);
}

void VKAPI_PTR end_label(VkCommandBuffer) { seen().labels.push_back("-"); }

}  // namespace
}  // namespace kiln

// Stands before the loader's own function of this name.
extern "C" VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL vkGetInstanceProcAddr(VkInstance instance,
                                                                          const char* name) {
  static const auto real =
      reinterpret_cast<PFN_vkGetInstanceProcAddr>(dlsym(RTLD_NEXT, "vkGetInstanceProcAddr"));
  const auto replaced = [&](const char* wanted) { return std::strcmp(name, wanted) == 0; };
  if (replaced("vkSetDebugUtilsObjectNameEXT")) {
    return reinterpret_cast<PFN_vkVoidFunction>(&kiln::set_name);
  }
  if (replaced("vkCmdBeginDebugUtilsLabelEXT")) {
    return reinterpret_cast<PFN_vkVoidFunction>(&kiln::begin_label);
  }
  if (replaced("vkCmdEndDebugUtilsLabelEXT")) {
    return reinterpret_cast<PFN_vkVoidFunction>(&kiln::end_label);
  }
  return real(instance, name);
}

namespace kiln {
namespace {

using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsSupersetOf;

class Labels : public test::OnDevice {
 protected:
  void SetUp() override {
    OnDevice::SetUp();
    seen() = {};
    Executor executor(device());
    Graph graph("chain", DType::f32);
    const Tensor x = graph.persistent("x", {1, 1, 100, 4}, DType::f32, Traffic::host_writes);
    const Tensor half = scale(x, 0.5f, "net.down.0");
    const Tensor quarter = scale(half, 0.5f, "net.down.1");
    graph.keep(silu(quarter, "net.up"), "y", Traffic::host_reads);
    const auto stage = executor.prepare(compile(graph, device().profile()), {});
    executor.wait(stage->submit());
  }
};

TEST_F(Labels, EveryDispatchStandsInTheScopeOfItsPathInsideItsStage) {
  // Recorded twice: one recording runs while the other is submitted.
  const std::vector<std::string> once = {"+stage chain", "+net.down.0", "-", "+net.down.1", "-",
                                         "+net.up",      "-",           "-"};
  std::vector<std::string> twice = once;
  twice.insert(twice.end(), once.begin(), once.end());
  EXPECT_EQ(seen().labels, twice);
}

TEST_F(Labels, PipelinesTellKernelTypeAndConstants) {
  // Scaling and the activation are two variants of one kernel.
  EXPECT_EQ(seen().names[VK_OBJECT_TYPE_PIPELINE].size(), 2u);
  EXPECT_THAT(seen().names[VK_OBJECT_TYPE_PIPELINE], Each(HasSubstr("elementwise/unary F32 [")));
  EXPECT_THAT(seen().names[VK_OBJECT_TYPE_SHADER_MODULE], ElementsAre("elementwise/unary"));
}

TEST_F(Labels, BuffersAndWhatElseIsMadeHaveNames) {
  EXPECT_THAT(
      seen().names[VK_OBJECT_TYPE_BUFFER],
      IsSupersetOf({std::string("arena of stage chain"), std::string("x"), std::string("y")}));
  EXPECT_THAT(seen().names[VK_OBJECT_TYPE_COMMAND_BUFFER], Contains("stage chain"));
  EXPECT_THAT(seen().names[VK_OBJECT_TYPE_SEMAPHORE], Contains("timeline"));
  EXPECT_THAT(seen().names[VK_OBJECT_TYPE_QUEUE], Contains("compute queue"));
}

}  // namespace
}  // namespace kiln
