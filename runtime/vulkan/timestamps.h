// Timestamps: moments of the device's clock, written by commands.
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/vulkan/device.h"

namespace kiln {

class Timestamps {
 public:
  // Throws Error when the device's queue has no clock.
  Timestamps(const Device& device, std::uint32_t count);

  VkQueryPool get() const { return pool_.get(); }
  std::uint32_t count() const { return count_; }
  // Values of the device's clock, only the valid bits. All must have been written and completed.
  std::vector<std::uint64_t> ticks() const;

 private:
  const Device& device_;
  std::uint32_t count_;
  Owned<VkQueryPool, vkDestroyQueryPool> pool_;
};

}  // namespace kiln
