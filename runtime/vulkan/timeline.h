// Timeline: the queue, and the semaphore that counts the work done on it.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/vulkan/device.h"

namespace kiln {

// Values grow by one with every batch. Batches run in order of their values as far as the barriers
// at the top of their recordings say.
class Timeline {
 public:
  explicit Timeline(const Device& device);
  // Waits for everything submitted.
  ~Timeline();
  Timeline(const Timeline&) = delete;
  Timeline& operator=(const Timeline&) = delete;

  // Submits each command buffer as a batch of its own, in one call. Returns the value reached when
  // the last one has completed. place: named if the device is lost, e.g. "stage denoise".
  std::uint64_t submit(std::span<const VkCommandBuffer> batches, std::string_view place);

  std::uint64_t last() const { return last_; }
  bool completed(std::uint64_t value);
  // Throws Error naming the work that was running when the device is lost.
  void wait(std::uint64_t value);
  void wait_all() { wait(last_); }

 private:
  struct Pending {
    std::uint64_t value = 0;
    std::string place;
  };
  void forget_completed();
  std::string_view running_place() const;

  const Device& device_;
  Owned<VkSemaphore, vkDestroySemaphore> semaphore_;
  std::uint64_t last_ = 0, seen_ = 0;
  std::deque<Pending> pending_;
  std::vector<VkSubmitInfo> submits_;
  std::vector<VkTimelineSemaphoreSubmitInfo> values_;
  std::vector<std::uint64_t> signals_;
  std::vector<VkSemaphore> semaphores_;
};

}  // namespace kiln
