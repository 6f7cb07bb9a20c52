// Creates the instance: loader, layers, messenger, devices.
#include "runtime/vulkan/instance.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

#include "runtime/base/error.h"
#include "runtime/vulkan/check.h"

namespace kiln {
namespace {

constexpr const char* kValidationLayer = "VK_LAYER_KHRONOS_validation";
constexpr std::string_view kNoDriver =
    "no Vulkan driver was found: install your GPU's driver, or mesa-vulkan-drivers (Debian, "
    "Ubuntu) "
    "for Mesa's drivers and software Vulkan; `vulkaninfo --summary` (package vulkan-tools) lists "
    "what "
    "the loader finds";

bool asked_by_environment() {
  const char* value = std::getenv("KILN_VALIDATION");
  return value != nullptr && std::strcmp(value, "") != 0 && std::strcmp(value, "0") != 0;
}

std::vector<VkExtensionProperties> extensions_of(const char* layer) {
  std::uint32_t count = 0;
  check(vkEnumerateInstanceExtensionProperties(layer, &count, nullptr),
        "vkEnumerateInstanceExtensionProperties");
  std::vector<VkExtensionProperties> extensions(count);
  check(vkEnumerateInstanceExtensionProperties(layer, &count, extensions.data()),
        "vkEnumerateInstanceExtensionProperties");
  extensions.resize(count);
  return extensions;
}

bool contains(const std::vector<VkExtensionProperties>& extensions, const char* name) {
  for (const VkExtensionProperties& extension : extensions) {
    if (std::strcmp(extension.extensionName, name) == 0) return true;
  }
  return false;
}

void check_loader() {
  std::uint32_t version = 0;
  check(vkEnumerateInstanceVersion(&version), "vkEnumerateInstanceVersion");
  if (version < VK_API_VERSION_1_2) {
    fail("vulkan", "the Vulkan loader speaks {}.{}, 1.2 is needed: install a newer libvulkan1",
         VK_API_VERSION_MAJOR(version), VK_API_VERSION_MINOR(version));
  }
}

}  // namespace

bool Instance::has_validation_layer() {
  std::uint32_t count = 0;
  check(vkEnumerateInstanceLayerProperties(&count, nullptr), "vkEnumerateInstanceLayerProperties");
  std::vector<VkLayerProperties> layers(count);
  check(vkEnumerateInstanceLayerProperties(&count, layers.data()),
        "vkEnumerateInstanceLayerProperties");
  for (const VkLayerProperties& layer : layers) {
    if (std::strcmp(layer.layerName, kValidationLayer) == 0) return true;
  }
  return false;
}

Instance::Instance(InstanceOptions options) : options_(std::move(options)) {
  options_.validation = options_.validation || asked_by_environment();
  check_loader();
  if (options_.validation && !has_validation_layer()) {
    fail("vulkan",
         "validation was asked for, but the layer {} is not installed: it is in the package "
         "vulkan-validationlayers (Debian, Ubuntu) or the Vulkan SDK",
         kValidationLayer);
  }
  create();
  try {
    find_devices();
  } catch (...) {
    destroy();
    throw;
  }
}

Instance::~Instance() { destroy(); }

void Instance::destroy() {
  if (messenger_ != VK_NULL_HANDLE) {
    const auto forget =
        function<PFN_vkDestroyDebugUtilsMessengerEXT>("vkDestroyDebugUtilsMessengerEXT");
    forget(handle_, messenger_, nullptr);
  }
  if (handle_ != VK_NULL_HANDLE) vkDestroyInstance(handle_, nullptr);
}

void Instance::create() {
  const std::vector<VkExtensionProperties> available = extensions_of(nullptr);
  std::vector<const char*> extensions;
  VkInstanceCreateFlags flags = 0;
  debug_utils_ = contains(available, VK_EXT_DEBUG_UTILS_EXTENSION_NAME);
  if (debug_utils_) extensions.push_back(VK_EXT_DEBUG_UTILS_EXTENSION_NAME);
#ifdef VK_KHR_portability_enumeration
  if (contains(available, VK_KHR_PORTABILITY_ENUMERATION_EXTENSION_NAME)) {
    extensions.push_back(VK_KHR_PORTABILITY_ENUMERATION_EXTENSION_NAME);
    flags |= VK_INSTANCE_CREATE_ENUMERATE_PORTABILITY_BIT_KHR;
  }
#endif

  VkApplicationInfo application{};
  application.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO;
  application.pApplicationName = "kiln";
  application.pEngineName = "kiln";
  application.apiVersion = VK_API_VERSION_1_3;

  VkDebugUtilsMessengerCreateInfoEXT messenger{};
  messenger.sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT;
  messenger.messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT |
                              VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT;
  messenger.messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT |
                          VK_DEBUG_UTILS_MESSAGE_TYPE_PERFORMANCE_BIT_EXT;
  messenger.pfnUserCallback = &Instance::receive;
  messenger.pUserData = this;

  const VkValidationFeatureEnableEXT enabled[] = {
      VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT};
  VkValidationFeaturesEXT features{};
  features.sType = VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT;
  features.enabledValidationFeatureCount = 1;
  features.pEnabledValidationFeatures = enabled;

  VkInstanceCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO;
  info.flags = flags;
  info.pApplicationInfo = &application;
  if (options_.validation) {
    const auto of_layer = extensions_of(kValidationLayer);
    if (!contains(of_layer, VK_EXT_VALIDATION_FEATURES_EXTENSION_NAME)) {
      fail("vulkan", "the installed {} cannot check synchronization: install a newer one",
           kValidationLayer);
    }
    extensions.push_back(VK_EXT_VALIDATION_FEATURES_EXTENSION_NAME);
    info.enabledLayerCount = 1;
    info.ppEnabledLayerNames = &kValidationLayer;
    info.pNext = &features;
    if (debug_utils_) features.pNext = &messenger;
  }
  info.enabledExtensionCount = std::uint32_t(extensions.size());
  info.ppEnabledExtensionNames = extensions.data();
  const VkResult result = vkCreateInstance(&info, nullptr, &handle_);
  if (result == VK_ERROR_INCOMPATIBLE_DRIVER) fail("vulkan", "{}", kNoDriver);
  check(result, "vkCreateInstance");

  if (options_.validation && debug_utils_) {
    const auto make =
        function<PFN_vkCreateDebugUtilsMessengerEXT>("vkCreateDebugUtilsMessengerEXT");
    check(make(handle_, &messenger, nullptr, &messenger_), "vkCreateDebugUtilsMessengerEXT");
  }
}

void Instance::find_devices() {
  std::uint32_t count = 0;
  const VkResult result = vkEnumeratePhysicalDevices(handle_, &count, nullptr);
  // Some drivers fail to start instead of reporting no device.
  if (result == VK_ERROR_INITIALIZATION_FAILED) fail("vulkan", "{}", kNoDriver);
  check(result, "vkEnumeratePhysicalDevices");
  physical_devices_.resize(count);
  check(vkEnumeratePhysicalDevices(handle_, &count, physical_devices_.data()),
        "vkEnumeratePhysicalDevices");
  physical_devices_.resize(count);
  if (physical_devices_.empty()) fail("vulkan", "{}", kNoDriver);
}

VkBool32 VKAPI_PTR Instance::receive(VkDebugUtilsMessageSeverityFlagBitsEXT,
                                     VkDebugUtilsMessageTypeFlagsEXT,
                                     const VkDebugUtilsMessengerCallbackDataEXT* data, void* self) {
  Instance& instance = *static_cast<Instance*>(self);
  ++instance.messages_;
  const char* text = data->pMessage != nullptr ? data->pMessage : "(no text)";
  if (instance.options_.on_message) {
    instance.options_.on_message(text);
  } else {
    fmt::print(stderr, "validation: {}\n", text);
  }
  return VK_FALSE;
}

}  // namespace kiln
