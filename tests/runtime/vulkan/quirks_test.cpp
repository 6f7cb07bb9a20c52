// Which drivers lose which features, and that others keep them.
#include "runtime/vulkan/quirks.h"

#include <gtest/gtest.h>

#include "runtime/vulkan/api.h"

namespace kiln {
namespace {

PhysicalDeviceInfo with_matrices(VkDriverId driver, std::uint32_t vendor, std::uint32_t subgroup) {
  PhysicalDeviceInfo device;
  device.driver_id = std::uint32_t(driver);
  device.profile.vendor_id = vendor;
  device.profile.features = kNeedCooperativeMatrix | kNeedFloat16 | kNeedStorage16;
  device.profile.matrix_shapes = {{16, 16, 16}};
  device.profile.subgroup_size = device.profile.min_subgroup_size = subgroup;
  return device;
}

TEST(Quirks, MatricesAreDroppedWhereTheyAreSlowOrCrashAndKeptElsewhere) {
  const struct {
    const char* title;
    VkDriverId driver;
    std::uint32_t vendor, subgroup;
    bool mixed_dot_products, kept;
  } cases[] = {
      {"AMD's own, RDNA2", VK_DRIVER_ID_AMD_PROPRIETARY, 0x1002, 32, false, false},
      {"AMD's own, RDNA3", VK_DRIVER_ID_AMD_PROPRIETARY, 0x1002, 32, true, true},
      {"RADV", VK_DRIVER_ID_MESA_RADV, 0x1002, 64, false, true},
      {"NVIDIA", VK_DRIVER_ID_NVIDIA_PROPRIETARY, 0x10de, 32, true, true},
      {"Adreno", VK_DRIVER_ID_QUALCOMM_PROPRIETARY, 0x5143, 64, true, false},
      {"Intel Xe1", VK_DRIVER_ID_INTEL_OPEN_SOURCE_MESA, 0x8086, 8, true, false},
      {"Intel Xe2, Mesa", VK_DRIVER_ID_INTEL_OPEN_SOURCE_MESA, 0x8086, 16, true, false},
      {"Intel Xe2, Windows", VK_DRIVER_ID_INTEL_PROPRIETARY_WINDOWS, 0x8086, 16, true, true},
      {"lavapipe, 256 bits", VK_DRIVER_ID_MESA_LLVMPIPE, 0x10005, 8, false, true},
      {"lavapipe, 512 bits", VK_DRIVER_ID_MESA_LLVMPIPE, 0x10005, 16, false, false},
  };
  for (const auto& test : cases) {
    PhysicalDeviceInfo device = with_matrices(test.driver, test.vendor, test.subgroup);
    device.mixed_dot_products = test.mixed_dot_products;
    device.profile.driver_version = 26u << 22;  // as Vulkan packs 26.0.0
    apply_quirks(device);
    EXPECT_EQ(device.profile.serves(kNeedCooperativeMatrix), test.kept) << test.title;
    EXPECT_EQ(device.profile.matrix_shapes.empty(), !test.kept) << test.title;
    EXPECT_EQ(device.quirks.empty(), test.kept) << test.title;
    EXPECT_TRUE(device.profile.serves(kNeedFloat16)) << test.title;
  }
}

TEST(Quirks, OldLavapipeEndsLongLoops) {
  for (const std::uint32_t major : {22u, 25u}) {
    PhysicalDeviceInfo device;
    device.driver_id = VK_DRIVER_ID_MESA_LLVMPIPE;
    device.profile.driver_version = major << 22;
    apply_quirks(device);
    EXPECT_EQ(device.profile.max_loop_turns == 65'535, major == 22) << major;
  }
}

TEST(Quirks, AdrenoWithout16BitStorageLoses16BitArithmeticToo) {
  PhysicalDeviceInfo device = with_matrices(VK_DRIVER_ID_QUALCOMM_PROPRIETARY, 0x5143, 64);
  device.profile.features = kNeedFloat16;
  apply_quirks(device);
  EXPECT_FALSE(device.profile.serves(kNeedFloat16));
  ASSERT_EQ(device.quirks.size(), 1u);
}

}  // namespace
}  // namespace kiln
