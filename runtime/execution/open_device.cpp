// From a selector to an open device.
#include "runtime/execution/open_device.h"

#include "runtime/vulkan/device.h"
#include "runtime/vulkan/instance.h"

namespace kiln {

std::vector<PhysicalDeviceInfo> list_devices() {
  const Instance instance;
  return list_devices(instance);
}

bool has_validation_layer() { return Instance::has_validation_layer(); }

OpenDevice::OpenDevice(const DeviceOptions& options)
    : instance_(
          std::make_unique<Instance>(InstanceOptions{options.validation, options.on_message})) {
  const std::vector<PhysicalDeviceInfo> devices = list_devices(*instance_);
  device_ = std::make_unique<Device>(*instance_, choose_device(devices, options.selector),
                                     DeviceRequest{.statistics = options.statistics});
}

OpenDevice::~OpenDevice() = default;

const PhysicalDeviceInfo& OpenDevice::info() const { return device_->info(); }

void OpenDevice::avoid(std::vector<std::string> kernels) { device_->avoid(std::move(kernels)); }

void OpenDevice::tune(TunedKernels kernels) { device_->tune(std::move(kernels)); }

std::uint32_t OpenDevice::validation_messages() const { return instance_->validation_messages(); }

}  // namespace kiln
