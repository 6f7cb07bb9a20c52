// The table of drivers' faults. Facts about hardware are read in device_facts.cpp, never here.
#include "runtime/vulkan/quirks.h"

#include <array>

#include "runtime/vulkan/api.h"

namespace kiln {
namespace {

struct Quirk {
  std::string_view title;  // what changes, then the reason
  bool (*matches)(const PhysicalDeviceInfo&);
  void (*change)(DeviceProfile&);
};

bool has_matrices(const PhysicalDeviceInfo& device) {
  return device.profile.serves(kNeedCooperativeMatrix);
}

bool amd_proprietary(const PhysicalDeviceInfo& device) {
  return device.driver_id == VK_DRIVER_ID_AMD_PROPRIETARY ||
         device.driver_id == VK_DRIVER_ID_AMD_OPEN_SOURCE;
}

void drop_matrices(DeviceProfile& profile) {
  profile.features &= ~std::uint32_t(kNeedCooperativeMatrix);
  profile.matrix_shapes.clear();
}

constexpr std::array kQuirks = {
    Quirk{"no cooperative matrices: this driver emulates them, slowly, before RDNA3",
          [](const PhysicalDeviceInfo& device) {
            return has_matrices(device) && amd_proprietary(device) && !device.mixed_dot_products;
          },
          drop_matrices},
    Quirk{"no cooperative matrices: this driver runs out of registers on unrolled tiles",
          [](const PhysicalDeviceInfo& device) {
            return has_matrices(device) && device.driver_id == VK_DRIVER_ID_QUALCOMM_PROPRIETARY;
          },
          drop_matrices},
    Quirk{"no cooperative matrices: before Xe2 they are lowered to plain arithmetic",
          [](const PhysicalDeviceInfo& device) {
            return has_matrices(device) && device.profile.vendor_id == 0x8086 &&
                   device.profile.min_subgroup_size < 16;
          },
          drop_matrices},
    Quirk{
        "no cooperative matrices: this driver (Mesa 26.1) spills hundreds of registers on tiles of "
        "every size",
        [](const PhysicalDeviceInfo& device) {
          return has_matrices(device) && device.driver_id == VK_DRIVER_ID_INTEL_OPEN_SOURCE_MESA &&
                 device.profile.min_subgroup_size >= 16;
        },
        drop_matrices},
    Quirk{"no cooperative matrices: lavapipe crashes on them at vector widths other than 256",
          [](const PhysicalDeviceInfo& device) {
            return has_matrices(device) && device.driver_id == VK_DRIVER_ID_MESA_LLVMPIPE &&
                   device.profile.subgroup_size != 8;
          },
          drop_matrices},
    Quirk{"at most 65535 turns of a loop: lavapipe of Mesa 22.3 ends longer ones, that of 25.0 "
          "does not",
          [](const PhysicalDeviceInfo& device) {
            return device.driver_id == VK_DRIVER_ID_MESA_LLVMPIPE &&
                   device.profile.driver_version < VK_MAKE_API_VERSION(0, 25, 0, 0);
          },
          [](DeviceProfile& profile) { profile.max_loop_turns = 65'535; }},
    Quirk{"no 16-bit arithmetic: Adreno drivers without 16-bit storage compute it wrongly",
          [](const PhysicalDeviceInfo& device) {
            return device.driver_id == VK_DRIVER_ID_QUALCOMM_PROPRIETARY &&
                   device.profile.serves(kNeedFloat16) && !device.profile.serves(kNeedStorage16);
          },
          [](DeviceProfile& profile) { profile.features &= ~std::uint32_t(kNeedFloat16); }},
};

}  // namespace

void apply_quirks(PhysicalDeviceInfo& device) {
  for (const Quirk& quirk : kQuirks) {
    if (!quirk.matches(device)) continue;
    quirk.change(device.profile);
    device.quirks.emplace_back(quirk.title);
  }
}

}  // namespace kiln
