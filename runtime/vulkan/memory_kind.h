// Which of a device's memory types serves which purpose; pure functions.
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/vulkan/device_list.h"

namespace kiln {

enum class MemoryKind : std::uint8_t {
  device,         // only kernels touch it
  device_mapped,  // as device, and written by the host directly (writes_directly() holds)
  upload,         // written by the host, copied from by the device
  host_writes,    // small inputs: written by the host, read by kernels
  host_reads,     // results: written by kernels or copies, read by the host
};

constexpr bool is_mapped(MemoryKind kind) { return kind != MemoryKind::device; }

// True for kinds that prefer the host's memory to the device's own: a budget for the device does
// not count them, on devices without memory of their own neither, so that it means one thing.
constexpr bool counts_as_host(MemoryKind kind) {
  return kind == MemoryKind::upload || kind == MemoryKind::host_reads;
}

// Indices of the types that serve `kind`, best first. allowed:
// VkMemoryRequirements::memoryTypeBits.
std::vector<std::uint32_t> memory_types_for(MemoryKind kind,
                                            const std::vector<MemoryTypeInfo>& types,
                                            std::uint32_t allowed);

// True if the host can write all of the device's own memory (unified memory, software drivers,
// resizable BAR): weights then need no staging copy. A small window (256 MiB) does not count.
bool writes_directly(const PhysicalDeviceInfo& device);

}  // namespace kiln
