// Memory types by purpose: what is required, then what is preferred.
#include "runtime/vulkan/memory_kind.h"

#include <algorithm>
#include <optional>

namespace kiln {
namespace {

// Higher is better; nothing: the type cannot serve.
std::optional<int> score(MemoryKind kind, const MemoryTypeInfo& type) {
  if (!type.ordinary) return std::nullopt;
  const int local = type.device_local, coherent = type.host_coherent, cached = type.host_cached;
  switch (kind) {
    case MemoryKind::device:
      // Host-visible memory may be a small window: leave it to those who need it.
      if (!type.device_local) return std::nullopt;
      return type.host_visible ? 0 : 1;
    case MemoryKind::device_mapped:
      if (!type.device_local || !type.host_visible) return std::nullopt;
      return 2 * cached + coherent;
    case MemoryKind::upload:
      if (!type.host_visible) return std::nullopt;
      return 2 * (1 - local) + coherent;
    case MemoryKind::host_writes:
      if (!type.host_visible) return std::nullopt;
      return 2 * local + coherent;
    case MemoryKind::host_reads:
      if (!type.host_visible) return std::nullopt;
      return 4 * cached + 2 * coherent + (1 - local);
  }
  return std::nullopt;
}

}  // namespace

std::vector<std::uint32_t> memory_types_for(MemoryKind kind,
                                            const std::vector<MemoryTypeInfo>& types,
                                            std::uint32_t allowed) {
  std::vector<std::pair<int, std::uint32_t>> fitting;
  for (std::uint32_t i = 0; i < types.size(); ++i) {
    if ((allowed >> i & 1u) == 0) continue;
    if (const auto points = score(kind, types[i])) fitting.emplace_back(-*points, i);
  }
  std::stable_sort(fitting.begin(), fitting.end());
  std::vector<std::uint32_t> order;
  for (const auto& [points, index] : fitting) order.push_back(index);
  return order;
}

bool writes_directly(const PhysicalDeviceInfo& device) {
  std::uint64_t largest = 0, mapped = 0;
  for (const HeapInfo& heap : device.heaps) {
    if (heap.device_local) largest = std::max(largest, heap.size_bytes);
  }
  for (const MemoryTypeInfo& type : device.memory_types) {
    if (type.ordinary && type.device_local && type.host_visible) {
      mapped = std::max(mapped, device.heaps[type.heap].size_bytes);
    }
  }
  return mapped > 0 && mapped >= largest;
}

}  // namespace kiln
