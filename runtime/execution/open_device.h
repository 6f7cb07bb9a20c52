// OpenDevice: a chosen Vulkan device, opened; needs no Vulkan header.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/vulkan/device_list.h"

namespace kiln {

class Device;

struct DeviceOptions {
  std::string selector;     // a number, part of a name, or empty: the best one
  bool statistics = false;  // see PipelineProbe
  bool validation = false;  // also with the environment variable KILN_VALIDATION=1
  // Warnings and errors of the validation layer; empty: standard error.
  std::function<void(std::string_view)> on_message;
};

// Every device the loader knows, those refused included. Throws Error when there is no driver.
std::vector<PhysicalDeviceInfo> list_devices();

// True if the validation layer is installed.
bool has_validation_layer();

// Keeps the connection and the device; outlives the Executor that uses it.
class OpenDevice {
 public:
  explicit OpenDevice(const DeviceOptions& options = {});
  ~OpenDevice();

  Device& device() { return *device_; }
  const PhysicalDeviceInfo& info() const;
  const DeviceProfile& profile() const { return info().profile; }
  // Plans compiled for profile() afterwards do without these kernels (full names, such as
  // "norm/group_norm"), in place of those named before.
  void avoid(std::vector<std::string> kernels);
  // They obey these choices where they can, in place of those made before.
  void tune(TunedKernels kernels);
  // Warnings and errors of the validation layer so far.
  std::uint32_t validation_messages() const;

 private:
  std::unique_ptr<Instance> instance_;
  std::unique_ptr<Device> device_;
};

}  // namespace kiln
