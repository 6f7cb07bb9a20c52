// Choice of a device from a list; texts about devices. Needs no device.
#include "runtime/vulkan/device_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>

#include "runtime/base/align.h"
#include "runtime/base/error.h"

namespace kiln {
namespace {

std::string lower_case(std::string_view text) {
  std::string result(text);
  for (char& letter : result) letter = char(std::tolower(static_cast<unsigned char>(letter)));
  return result;
}

std::string line_of(const PhysicalDeviceInfo& device) {
  return fmt::format("{}: {} ({}){}", device.index, device.profile.name,
                     to_text(device.profile.kind),
                     device.refused.empty() ? "" : ", refused: " + device.refused);
}

std::string list_text(std::span<const PhysicalDeviceInfo> devices) {
  std::string text;
  for (const PhysicalDeviceInfo& device : devices) {
    text += (text.empty() ? "" : "; ") + line_of(device);
  }
  return text;
}

std::uint64_t largest_local_heap(const PhysicalDeviceInfo& device) {
  std::uint64_t largest = 0;
  for (const HeapInfo& heap : device.heaps) {
    if (heap.device_local) largest = std::max(largest, heap.size_bytes);
  }
  return largest;
}

bool better(const PhysicalDeviceInfo& a, const PhysicalDeviceInfo& b) {
  if (a.profile.kind != b.profile.kind) return a.profile.kind < b.profile.kind;
  return largest_local_heap(a) > largest_local_heap(b);
}

const PhysicalDeviceInfo& choose_best(std::span<const PhysicalDeviceInfo> devices) {
  const PhysicalDeviceInfo* best = nullptr;
  for (const PhysicalDeviceInfo& device : devices) {
    if (device.refused.empty() && (best == nullptr || better(device, *best))) best = &device;
  }
  if (best == nullptr) fail("device", "no device can be used: {}", list_text(devices));
  return *best;
}

const PhysicalDeviceInfo& usable(const PhysicalDeviceInfo& device) {
  if (!device.refused.empty()) {
    fail("device", "{} cannot be used: {}", device.profile.name, device.refused);
  }
  return device;
}

const PhysicalDeviceInfo* find_index(std::span<const PhysicalDeviceInfo> devices,
                                     std::string_view selector) {
  std::uint32_t index = 0;
  const char* end = selector.data() + selector.size();
  const auto [stop, error] = std::from_chars(selector.data(), end, index);
  if (error != std::errc() || stop != end) return nullptr;
  for (const PhysicalDeviceInfo& device : devices) {
    if (device.index == index) return &device;
  }
  return nullptr;
}

}  // namespace

std::string feature_names(std::uint32_t features) {
  constexpr std::pair<Need, std::string_view> kFeatureNames[] = {
      {kNeedStorage16, "16-bit storage"},
      {kNeedFloat16, "16-bit float arithmetic"},
      {kNeedStorage8, "8-bit storage"},
      {kNeedInt8, "8-bit integers"},
      {kNeedInt16, "16-bit integers"},
      {kNeedInt64, "64-bit integers"},
      {kNeedSubgroupArithmetic, "subgroup arithmetic"},
      {kNeedSubgroupBallot, "subgroup ballot"},
      {kNeedSubgroupShuffle, "subgroup shuffle"},
      {kNeedCooperativeMatrix, "cooperative matrices"},
      {kNeedMemoryModel, "memory model"},
      {kNeedIntegerDot, "integer dot products"},
      {kNeedMixedDot, "dot products of 16-bit pairs"}};
  std::string text;
  for (const auto& [need, name] : kFeatureNames) {
    if ((features & need) == 0) continue;
    text += text.empty() ? "" : ", ";
    text += name;
  }
  return text.empty() ? "none" : text;
}

bool PhysicalDeviceInfo::has_extension(std::string_view name) const {
  return std::find(extensions.begin(), extensions.end(), name) != extensions.end();
}

std::string_view to_text(DeviceKind kind) {
  switch (kind) {
    case DeviceKind::discrete:
      return "discrete";
    case DeviceKind::integrated:
      return "integrated";
    case DeviceKind::virtual_gpu:
      return "virtual";
    case DeviceKind::cpu:
      return "cpu";
    case DeviceKind::other:
      return "other";
  }
  return "other";
}

std::string version_text(std::uint32_t version) {
  return fmt::format("{}.{}.{}", version >> 22 & 0x7fu, version >> 12 & 0x3ffu, version & 0xfffu);
}

const PhysicalDeviceInfo& choose_device(std::span<const PhysicalDeviceInfo> devices,
                                        std::string_view selector) {
  if (devices.empty()) fail("device", "there is no Vulkan device");
  if (selector.empty()) return choose_best(devices);
  if (const PhysicalDeviceInfo* device = find_index(devices, selector)) return usable(*device);
  const std::string wanted = lower_case(selector);
  std::vector<const PhysicalDeviceInfo*> fitting, fitting_usable;
  for (const PhysicalDeviceInfo& device : devices) {
    if (lower_case(device.profile.name).find(wanted) == std::string::npos) continue;
    fitting.push_back(&device);
    if (device.refused.empty()) fitting_usable.push_back(&device);
  }
  if (fitting_usable.size() == 1) return *fitting_usable.front();
  if (fitting.size() == 1) return usable(*fitting.front());
  fail_usage("device", "\"{}\" is {}; the devices are {}", selector,
             fitting.empty() ? "neither a device's number nor a part of a name"
                             : "part of several names: choose by number",
             list_text(devices));
}

std::string facts_text(const PhysicalDeviceInfo& device) {
  const DeviceProfile& p = device.profile;
  std::string text = fmt::format("driver: {}, Vulkan {}\n", p.driver, version_text(p.api_version));
  text += fmt::format("features: {}\n", feature_names(p.features));
  text += fmt::format("subgroups: {} ({} to {}{})\n", p.subgroup_size, p.min_subgroup_size,
                      p.max_subgroup_size, p.subgroup_size_control ? ", on request" : "");
  text += fmt::format("workgroups: {} invocations, {} KiB shared\n", p.max_workgroup_invocations,
                      p.max_shared_bytes / 1024);
  text += fmt::format("storage buffers: {} a kernel, {:.0f} MiB each\n", p.max_storage_buffers,
                      mebibytes(p.max_binding_bytes));
  for (const MatrixShape& shape : p.matrix_shapes) {
    text += fmt::format("matrices: {}x{}x{} {} -> {}\n", shape.m, shape.n, shape.k,
                        to_text(shape.input), to_text(shape.accumulator));
  }
  for (const HeapInfo& heap : device.heaps) {
    text += fmt::format("memory: {:.0f} MiB{}\n", mebibytes(heap.size_bytes),
                        heap.device_local ? ", the device's own" : "");
  }
  return text;
}

}  // namespace kiln
