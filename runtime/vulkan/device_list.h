// What is known of each Vulkan device before it is opened, as plain data, and the choice of one.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/graph/device_profile.h"

namespace kiln {

class Instance;

struct HeapInfo {
  std::uint64_t size_bytes = 0;
  bool device_local = false;
};

struct MemoryTypeInfo {
  std::uint32_t heap = 0;
  bool device_local = false, host_visible = false, host_coherent = false, host_cached = false;
  bool ordinary = true;  // false: protected, lazily allocated or uncached on the device
};

struct PhysicalDeviceInfo {
  std::uint32_t index = 0;  // in the loader's order; what a user may choose by
  DeviceProfile profile;    // facts, after quirks
  std::string refused;      // why it cannot be used; empty when it can
  std::array<std::uint8_t, 16> uuid = {};
  std::uint32_t driver_id = 0;      // VkDriverId
  std::vector<std::string> quirks;  // each applied work-around with its reason
  std::vector<std::string> extensions;
  std::vector<HeapInfo> heaps;
  std::vector<MemoryTypeInfo> memory_types;
  std::uint64_t flush_alignment = 1;  // nonCoherentAtomSize
  std::uint32_t queue_family = 0;
  double timestamp_ns = 0.0;  // one tick; 0: the queue has no timestamps
  std::uint32_t timestamp_bits = 0;
  bool mixed_dot_products = false;  // accelerated packed 8-bit products of mixed signedness

  bool has_extension(std::string_view name) const;
};

std::string_view to_text(DeviceKind kind);
std::string version_text(std::uint32_t version);  // "1.3.239"
// Need bits in words, "16-bit storage, cooperative matrices"; those of Vulkan 1.2 are left out.
std::string feature_names(std::uint32_t features);

// Every device of the instance, those that cannot be used included.
std::vector<PhysicalDeviceInfo> list_devices(const Instance& instance);

// selector: empty: the best by kind (discrete, integrated, virtual, cpu), then by its largest
// device-local heap; a number in the list: that index; else a part of the name, whatever the case.
// Throws Error (wrong usage) listing the devices when the selector fits none or several, and Error
// with each reason when no device can be used.
const PhysicalDeviceInfo& choose_device(std::span<const PhysicalDeviceInfo> devices,
                                        std::string_view selector);

// A few lines for people: API, driver, limits, features, memory.
std::string facts_text(const PhysicalDeviceInfo& device);

}  // namespace kiln
