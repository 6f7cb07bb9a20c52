// Cutting by predicted work, and what a device refuses to run; no device needed.
#include "runtime/execution/program.h"

#include <gmock/gmock.h>

#include "runtime/execution/kernel_library.h"

namespace kiln {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::size_t> cut(std::initializer_list<std::uint64_t> flops, std::uint64_t limit) {
  std::vector<Dispatch> dispatches;
  for (const std::uint64_t each : flops) dispatches.emplace_back().flops = each;
  return cut_into_batches(dispatches, limit);
}

TEST(CutIntoBatches, ABatchNeverExceedsTheLimitUnlessItIsOneDispatch) {
  EXPECT_THAT(cut({}, 10), ElementsAre(0));
  EXPECT_THAT(cut({1, 2, 3}, 10), ElementsAre(0));
  EXPECT_THAT(cut({5, 5, 1}, 10), ElementsAre(0, 2));
  EXPECT_THAT(cut({50, 1, 50}, 10), ElementsAre(0, 1, 2));
  EXPECT_THAT(cut({0, 0, 50, 0, 0}, 10), ElementsAre(0));
  EXPECT_THAT(cut({~0ull, ~0ull}, ~0ull), ElementsAre(0, 1));
}

constexpr Access kAccess[] = {Access::read, Access::write};
constexpr std::uint32_t kIds[] = {0};
constexpr KernelInfo kKernel{.name = "test/kernel",
                             .operands = kAccess,
                             .arguments_bytes = 8,
                             .constant_ids = kIds,
                             .needs = kNeedStorage16,
                             .workgroup = {-1, 2, 1},
                             .spirv = {}};

Dispatch launch(std::uint32_t workgroup) {
  Dispatch dispatch;
  dispatch.kernel = &kKernel;
  dispatch.ranges.resize(2);
  dispatch.arguments.resize(8);
  dispatch.constants = {workgroup};
  return dispatch;
}

DeviceProfile device() {
  DeviceProfile profile;
  profile.features |= kNeedStorage16;
  return profile;
}

TEST(CannotRun, NamesTheLimitThatAKernelExceeds) {
  EXPECT_EQ(cannot_run(launch(64), device()), "");
  EXPECT_THAT(cannot_run(launch(65), device()), HasSubstr("130 invocations, the limit is 128"));
  EXPECT_THAT(cannot_run(launch(0), device()), HasSubstr("0 wide along axis 0"));

  DeviceProfile small = device();
  small.features = 0;
  EXPECT_THAT(cannot_run(launch(64), small), HasSubstr("features"));
  small = device();
  small.max_arguments_bytes = 4;
  EXPECT_THAT(cannot_run(launch(64), small), HasSubstr("8 bytes of arguments"));
  small = device();
  small.max_storage_buffers = 1;
  EXPECT_THAT(cannot_run(launch(64), small), HasSubstr("2 storage buffers, the limit is 1"));

  Dispatch wide = launch(64);
  wide.grid.z = 65536;
  EXPECT_THAT(cannot_run(wide, device()), HasSubstr("65536 workgroups along axis 2"));
  Dispatch unlike = launch(64);
  unlike.ranges.pop_back();
  EXPECT_THAT(cannot_run(unlike, device()), HasSubstr("other operands"));
}

}  // namespace
}  // namespace kiln
