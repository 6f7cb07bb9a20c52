// The Vulkan header, and ownership of its handles.
#pragma once

#include <vulkan/vulkan.h>

#include <utility>

#include "runtime/vulkan/newer_extensions.h"

namespace kiln {

// A handle made from a VkDevice that is destroyed with its owner. Move-only.
template <typename Handle, auto Destroy>
class Owned {
 public:
  Owned() = default;
  Owned(VkDevice device, Handle handle) : device_(device), handle_(handle) {}
  Owned(Owned&& other) noexcept
      : device_(other.device_), handle_(std::exchange(other.handle_, Handle{})) {}
  Owned& operator=(Owned&& other) noexcept {
    std::swap(device_, other.device_);
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Owned() {
    if (handle_ != Handle{}) Destroy(device_, handle_, nullptr);
  }

  Handle get() const { return handle_; }

 private:
  VkDevice device_ = VK_NULL_HANDLE;
  Handle handle_{};
};

}  // namespace kiln
