// Submission in order, and waiting by value.
#include "runtime/vulkan/timeline.h"

#include <algorithm>

#include "runtime/base/error.h"
#include "runtime/vulkan/check.h"

namespace kiln {

Timeline::Timeline(const Device& device) : device_(device) {
  VkSemaphoreTypeCreateInfo type{};
  type.sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO;
  type.semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE;
  VkSemaphoreCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO;
  info.pNext = &type;
  VkSemaphore semaphore = VK_NULL_HANDLE;
  check(vkCreateSemaphore(device.handle(), &info, nullptr, &semaphore), "vkCreateSemaphore");
  semaphore_ = {device.handle(), semaphore};
  device.name(VK_OBJECT_TYPE_SEMAPHORE, semaphore, "timeline");
}

Timeline::~Timeline() {
  // A lost device has nothing left to wait for.
  if (seen_ < last_) vkQueueWaitIdle(device_.queue());
}

std::uint64_t Timeline::submit(std::span<const VkCommandBuffer> batches, std::string_view place) {
  const std::size_t count = batches.size();
  signals_.resize(count);
  semaphores_.assign(count, semaphore_.get());
  values_.assign(count, VkTimelineSemaphoreSubmitInfo{});
  submits_.assign(count, VkSubmitInfo{});
  for (std::size_t i = 0; i < count; ++i) {
    signals_[i] = last_ + 1 + i;
    values_[i].sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO;
    values_[i].signalSemaphoreValueCount = 1;
    values_[i].pSignalSemaphoreValues = &signals_[i];
    submits_[i].sType = VK_STRUCTURE_TYPE_SUBMIT_INFO;
    submits_[i].pNext = &values_[i];
    submits_[i].commandBufferCount = 1;
    submits_[i].pCommandBuffers = &batches[i];
    submits_[i].signalSemaphoreCount = 1;
    submits_[i].pSignalSemaphores = &semaphores_[i];
  }
  const VkResult result =
      vkQueueSubmit(device_.queue(), std::uint32_t(count), submits_.data(), VK_NULL_HANDLE);
  if (result < VK_SUCCESS) {
    const std::string_view running = running_place();
    fail_call(result, "vkQueueSubmit", running.empty() ? place : running);
  }
  last_ += count;
  forget_completed();
  pending_.push_back({last_, std::string(place)});
  return last_;
}

bool Timeline::completed(std::uint64_t value) {
  if (seen_ >= value) return true;
  check(vkGetSemaphoreCounterValue(device_.handle(), semaphore_.get(), &seen_),
        "vkGetSemaphoreCounterValue", running_place());
  forget_completed();
  return seen_ >= value;
}

void Timeline::wait(std::uint64_t value) {
  if (value > last_)
    fail("timeline", "value {} was never submitted; {} was the last", value, last_);
  if (seen_ >= value) return;
  constexpr std::uint64_t kSlice = 10'000'000'000;  // nanoseconds; some drivers misread the largest
  const VkSemaphore semaphore = semaphore_.get();
  VkSemaphoreWaitInfo info{};
  info.sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO;
  info.semaphoreCount = 1;
  info.pSemaphores = &semaphore;
  info.pValues = &value;
  VkResult result = VK_TIMEOUT;
  while (result == VK_TIMEOUT) {
    result = check(vkWaitSemaphores(device_.handle(), &info, kSlice), "vkWaitSemaphores",
                   running_place());
  }
  seen_ = std::max(seen_, value);
  forget_completed();
}

void Timeline::forget_completed() {
  while (!pending_.empty() && pending_.front().value <= seen_) pending_.pop_front();
}

std::string_view Timeline::running_place() const {
  return pending_.empty() ? std::string_view() : std::string_view(pending_.front().place);
}

}  // namespace kiln
