// A test on the best device the loader offers; a message of the validation layer fails it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string_view>

#include "runtime/base/error.h"
#include "runtime/vulkan/device.h"

namespace kiln::test {

// Validates where KILN_VALIDATION=1 asks for it or the layer is installed.
class OnDevice : public testing::Test {
 protected:
  void SetUp() override {
    InstanceOptions options;
    options.validation = Instance::has_validation_layer();
    options.on_message = [](std::string_view text) { ADD_FAILURE() << text; };
    instance_ = std::make_unique<Instance>(std::move(options));
    info_ = choose_device(list_devices(*instance_), "");
  }
  void TearDown() override {
    device_.reset();
    instance_.reset();
  }

  Device& device() {
    if (device_ == nullptr) device_ = std::make_unique<Device>(*instance_, info_);
    return *device_;
  }
  // The device as if it had memory of its own that the host cannot reach, and caches to flush:
  // every copy is staged.
  Device& as_discrete() {
    info_.heaps.push_back({~0ull, true});
    for (MemoryTypeInfo& type : info_.memory_types) type.host_coherent = false;
    info_.flush_alignment = 256;
    return device();
  }

  std::unique_ptr<Instance> instance_;
  PhysicalDeviceInfo info_;
  std::unique_ptr<Device> device_;
};

}  // namespace kiln::test
