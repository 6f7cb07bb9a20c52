// Choice of a device, on made-up lists.
#include "runtime/vulkan/device_list.h"

#include <gmock/gmock.h>

#include "runtime/base/error.h"

namespace kiln {
namespace {

using testing::HasSubstr;

PhysicalDeviceInfo made_up(std::uint32_t index, std::string name, DeviceKind kind,
                           std::uint64_t heap_bytes, std::string refused = {}) {
  PhysicalDeviceInfo device;
  device.index = index;
  device.profile.name = std::move(name);
  device.profile.kind = kind;
  device.heaps = {{heap_bytes, true}};
  device.refused = std::move(refused);
  return device;
}

std::vector<PhysicalDeviceInfo> machine() {
  return {made_up(0, "llvmpipe (LLVM 15)", DeviceKind::cpu, 64ull << 30),
          made_up(1, "Iris Xe", DeviceKind::integrated, 16ull << 30),
          made_up(2, "GeForce RTX 3060", DeviceKind::discrete, 12ull << 30),
          made_up(3, "GeForce RTX 4090", DeviceKind::discrete, 24ull << 30),
          made_up(4, "Old Card", DeviceKind::discrete, 48ull << 30, "it speaks Vulkan 1.1")};
}

TEST(ChooseDevice, TakesTheKindThenTheLargestMemoryThenNumbersAndParts) {
  const struct {
    const char* selector;
    std::uint32_t index;
  } cases[] = {{"", 3},     {"0", 0},      {"1", 1},
               {"2", 2},    {"llvm", 0},   {"IRIS", 1},
               {"3060", 2}, {"rtx 40", 3}, {"geforce rtx 3", 2}};
  const auto devices = machine();
  for (const auto& [selector, index] : cases) {
    EXPECT_EQ(choose_device(devices, selector).index, index) << '"' << selector << '"';
  }
}

TEST(ChooseDevice, PrefersIntegratedToVirtualToCpu) {
  const std::vector<PhysicalDeviceInfo> devices = {
      made_up(0, "software", DeviceKind::cpu, 3),
      made_up(1, "passed on", DeviceKind::virtual_gpu, 2),
      made_up(2, "small", DeviceKind::integrated, 1)};
  EXPECT_EQ(choose_device(devices, "").index, 2u);
  EXPECT_EQ(choose_device({devices.data(), 2}, "").index, 1u);
}

TEST(ChooseDevice, SaysWhyAndListsTheDevicesWhenASelectorDoesNotFit) {
  const struct {
    const char* selector;
    Fault fault;
    const char* text;
  } cases[] = {{"7", Fault::usage, "\"7\" is neither a device's number nor a part of a name"},
               {"99999999999999", Fault::usage, "is neither a device's number"},
               {"radeon", Fault::usage, "\"radeon\" is neither"},
               {"geforce", Fault::usage, "\"geforce\" is part of several names"},
               {"4", Fault::failed, "Old Card cannot be used: it speaks Vulkan 1.1"},
               {"old", Fault::failed, "Old Card cannot be used: it speaks Vulkan 1.1"}};
  const auto devices = machine();
  for (const auto& [selector, fault, text] : cases) {
    try {
      choose_device(devices, selector);
      ADD_FAILURE() << selector << " did not throw";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(text));
      EXPECT_EQ(error.fault(), fault) << selector;
      if (fault == Fault::usage) {
        EXPECT_THAT(error.what(), HasSubstr("1: Iris Xe (integrated)"));
      }
    }
  }
}

TEST(ChooseDevice, GivesEveryReasonWhenNoDeviceCanBeUsed) {
  const std::vector<PhysicalDeviceInfo> devices = {
      made_up(0, "A", DeviceKind::cpu, 1, "reason one"),
      made_up(1, "B", DeviceKind::discrete, 1, "reason two")};
  try {
    choose_device(devices, "");
    FAIL() << "did not throw";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("reason one"));
    EXPECT_THAT(error.what(), HasSubstr("reason two"));
  }
  EXPECT_THROW(choose_device({}, ""), Error);
}

}  // namespace
}  // namespace kiln
