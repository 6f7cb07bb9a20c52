// What the device under test says of itself, its memory, and the loader without a driver.
#include "runtime/vulkan/device.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "runtime/vulkan/commands.h"
#include "runtime/vulkan/timeline.h"
#include "tests/runtime/vulkan/on_device.h"

namespace kiln {
namespace {

using test::OnDevice;
using testing::HasSubstr;

std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST_F(OnDevice, TheProfileHoldsAtLeastWhatVulkanPromises) {
  const DeviceProfile& profile = device().profile();
  EXPECT_FALSE(profile.name.empty());
  EXPECT_FALSE(profile.driver.empty());
  EXPECT_GE(profile.api_version, VK_API_VERSION_1_2);
  EXPECT_GE(profile.max_workgroup_invocations, 128u);
  EXPECT_GE(profile.max_shared_bytes, 16384u);
  EXPECT_GE(profile.max_arguments_bytes, 128u);
  EXPECT_GE(profile.max_storage_buffers, 4u);
  EXPECT_GE(profile.max_binding_bytes, 1ull << 27);
  EXPECT_GE(profile.max_allocation_bytes, 1ull << 30);
  EXPECT_GE(profile.max_grid[0], 65535u);
  EXPECT_LE(profile.min_subgroup_size, profile.subgroup_size);
  EXPECT_LE(profile.subgroup_size, profile.max_subgroup_size);
  EXPECT_LE(profile.max_dispatch_flops, profile.max_submission_flops);
  EXPECT_EQ(profile.serves(kNeedCooperativeMatrix), !profile.matrix_shapes.empty());
  EXPECT_TRUE(profile.serves(kNeedSubgroupBasic));
  EXPECT_FALSE(device().info().heaps.empty());
  EXPECT_THAT(facts_text(device().info()), HasSubstr("driver: " + profile.driver));
}

TEST_F(OnDevice, BytesCopiedThroughDeviceMemoryComeBack) {
  std::vector<std::uint8_t> bytes(100'003);
  std::iota(bytes.begin(), bytes.end(), std::uint8_t(7));
  Timeline timeline(as_discrete());
  Buffer up(device(), bytes.size(), MemoryKind::upload, "up");
  Buffer there(device(), bytes.size() + 64, MemoryKind::device, "there");
  Buffer down(device(), bytes.size(), MemoryKind::host_reads, "down");
  EXPECT_EQ(there.mapped(), nullptr);
  EXPECT_EQ(device().allocations(), 3u);
  std::memcpy(up.mapped(), bytes.data(), bytes.size());
  up.flush(0, bytes.size());
  CommandPool pool(device(), "copies");
  Commands commands(device(), pool.allocate(), "copies");
  commands.copy(up, 0, there, 64, bytes.size());
  commands.copies_after_all();
  commands.copy(there, 64, down, 0, bytes.size());
  commands.host_after_all();
  commands.end();
  const VkCommandBuffer handle = commands.handle();
  timeline.wait(timeline.submit({&handle, 1}, "copies"));
  down.invalidate(0, bytes.size());
  EXPECT_EQ(std::memcmp(down.mapped(), bytes.data(), bytes.size()), 0);
}

TEST_F(OnDevice, AnAllocationThatCannotFitTellsBytesNeededAndAvailable) {
  const std::uint64_t limit = device().profile().max_allocation_bytes;
  EXPECT_THAT(error_of([&] { Buffer(device(), limit + 1, MemoryKind::device, "the arena"); }),
              testing::AllOf(HasSubstr("[the arena] needs"), HasSubstr("largest allocation")));
  device_.reset();
  info_.profile.kind = DeviceKind::discrete;
  info_.heaps[0].size_bytes = 1 << 20;  // budgets know nothing of this
  std::erase(info_.extensions, std::string(VK_EXT_MEMORY_BUDGET_EXTENSION_NAME));
  EXPECT_THAT(
      error_of([&] { Buffer(device(), 3 << 20, MemoryKind::device, "the arena"); }),
      testing::AllOf(HasSubstr("[the arena] needs 3.0 MiB"), HasSubstr("has 1.0 MiB left")));
  EXPECT_EQ(device().allocations(), 0u);
}

TEST_F(OnDevice, ARefusedDeviceIsNotOpened) {
  info_.refused = "it is made up";
  EXPECT_THAT(error_of([&] { device(); }), HasSubstr("cannot be used: it is made up"));
}

TEST_F(OnDevice, WaitingForAValueNeverSubmittedIsAnErrorNotAHang) {
  Timeline timeline(device());
  EXPECT_TRUE(timeline.completed(0));
  EXPECT_THAT(error_of([&] { timeline.wait(1); }), HasSubstr("was never submitted"));
}

// Restores an environment variable when it goes.
class WithVariable {
 public:
  WithVariable(const char* name, const char* value) : name_(name) {
    if (const char* old = std::getenv(name)) old_ = old;
    setenv(name, value, 1);
  }
  ~WithVariable() {
    if (old_) {
      setenv(name_, old_->c_str(), 1);
    } else {
      unsetenv(name_);
    }
  }

 private:
  const char* name_;
  std::optional<std::string> old_;
};

TEST(Instance, WithoutADriverItSaysWhatToInstall) {
  const WithVariable old_name("VK_ICD_FILENAMES", "/nonexistent/driver.json");
  const WithVariable new_name("VK_DRIVER_FILES", "/nonexistent/driver.json");
  EXPECT_THAT(error_of([] { Instance instance; }),
              testing::AllOf(testing::StartsWith("[vulkan] no Vulkan driver was found"),
                             HasSubstr("mesa-vulkan-drivers")));
}

}  // namespace
}  // namespace kiln
