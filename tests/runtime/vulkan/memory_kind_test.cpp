// Memory types by purpose, on the memory layouts of real drivers.
#include "runtime/vulkan/memory_kind.h"

#include <gmock/gmock.h>

namespace kiln {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr MemoryTypeInfo kLocal{.heap = 0, .device_local = true};
constexpr MemoryTypeInfo kHost{.heap = 1, .host_visible = true, .host_coherent = true};
constexpr MemoryTypeInfo kHostCached{
    .heap = 1, .host_visible = true, .host_coherent = true, .host_cached = true};
constexpr MemoryTypeInfo kWindow{
    .heap = 2, .device_local = true, .host_visible = true, .host_coherent = true};
constexpr std::uint32_t kAll = 0xffffffffu;

PhysicalDeviceInfo discrete(std::uint64_t window_bytes) {
  PhysicalDeviceInfo device;
  device.heaps = {{24ull << 30, true}, {32ull << 30, false}, {window_bytes, true}};
  device.memory_types = {kLocal, kHost, kHostCached, kWindow};
  return device;
}

TEST(MemoryKind, OnADiscreteCardEachPurposeHasItsOwnType) {
  const auto types = discrete(256ull << 20).memory_types;
  EXPECT_EQ(memory_types_for(MemoryKind::device, types, kAll).front(), 0u);
  EXPECT_EQ(memory_types_for(MemoryKind::upload, types, kAll).front(), 1u);
  EXPECT_EQ(memory_types_for(MemoryKind::host_reads, types, kAll).front(), 2u);
  EXPECT_EQ(memory_types_for(MemoryKind::host_writes, types, kAll).front(), 3u);
  EXPECT_THAT(memory_types_for(MemoryKind::device_mapped, types, kAll), ElementsAre(3u));
}

TEST(MemoryKind, ASmallWindowIsNoReasonToWriteWeightsDirectlyButResizableBarIs) {
  EXPECT_FALSE(writes_directly(discrete(256ull << 20)));
  EXPECT_TRUE(writes_directly(discrete(24ull << 30)));
  PhysicalDeviceInfo none = discrete(0);
  none.memory_types.pop_back();
  EXPECT_FALSE(writes_directly(none));
}

TEST(MemoryKind, OneTypeOfUnifiedMemoryServesEveryPurpose) {
  PhysicalDeviceInfo device;
  device.heaps = {{8ull << 30, true}};
  device.memory_types = {{.heap = 0,
                          .device_local = true,
                          .host_visible = true,
                          .host_coherent = false,
                          .host_cached = true}};
  EXPECT_TRUE(writes_directly(device));
  for (const MemoryKind kind : {MemoryKind::device, MemoryKind::device_mapped, MemoryKind::upload,
                                MemoryKind::host_writes, MemoryKind::host_reads}) {
    EXPECT_THAT(memory_types_for(kind, device.memory_types, kAll), ElementsAre(0u));
  }
}

TEST(MemoryKind, TypesTheBufferForbidsOrThatAreNotOrdinaryAreNotChosen) {
  auto types = discrete(256ull << 20).memory_types;
  EXPECT_THAT(memory_types_for(MemoryKind::device, types, 0b1000u), ElementsAre(3u));
  EXPECT_THAT(memory_types_for(MemoryKind::device, types, 0b0110u), IsEmpty());
  types[0].ordinary = false;
  EXPECT_THAT(memory_types_for(MemoryKind::device, types, kAll), ElementsAre(3u));
}

}  // namespace
}  // namespace kiln
