// Query pools of the device's clock.
#include "runtime/vulkan/timestamps.h"

#include "runtime/base/error.h"
#include "runtime/vulkan/check.h"

namespace kiln {

Timestamps::Timestamps(const Device& device, std::uint32_t count) : device_(device), count_(count) {
  if (device.info().timestamp_bits == 0) {
    fail("timestamps", "the compute queue of {} has no clock (timestampValidBits is 0)",
         device.profile().name);
  }
  VkQueryPoolCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO;
  info.queryType = VK_QUERY_TYPE_TIMESTAMP;
  info.queryCount = count;
  VkQueryPool pool = VK_NULL_HANDLE;
  check(vkCreateQueryPool(device.handle(), &info, nullptr, &pool), "vkCreateQueryPool");
  pool_ = {device.handle(), pool};
  device.name(VK_OBJECT_TYPE_QUERY_POOL, pool, "timestamps");
}

std::vector<std::uint64_t> Timestamps::ticks() const {
  std::vector<std::uint64_t> ticks(count_);
  check(vkGetQueryPoolResults(device_.handle(), pool_.get(), 0, count_, ticks.size() * 8,
                              ticks.data(), 8, VK_QUERY_RESULT_64_BIT | VK_QUERY_RESULT_WAIT_BIT),
        "vkGetQueryPoolResults");
  const std::uint32_t bits = device_.info().timestamp_bits;
  const std::uint64_t mask = bits >= 64 ? ~0ull : (1ull << bits) - 1;
  for (std::uint64_t& tick : ticks) tick &= mask;
  return ticks;
}

}  // namespace kiln
