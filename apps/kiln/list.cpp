// devices and samplers: what there is to choose from.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "apps/kiln/commands.h"
#include "apps/kiln/kernel_choices.h"
#include "apps/kiln/terminal.h"
#include "kernels/all.h"
#include "models/pipeline/kiln.h"
#include "models/pipeline/tuning_file.h"
#include "runtime/execution/open_device.h"

namespace kiln::app {
namespace {

nlohmann::json as_json(const std::vector<OperationKernels>& operations) {
  nlohmann::json list = nlohmann::json::array();
  for (const OperationKernels& one : operations) {
    nlohmann::json kernels = nlohmann::json::array(), refused = nlohmann::json::array();
    for (const auto& [name, launches] : one.kernels) {
      kernels.push_back({{"kernel", name}, {"launches", launches}});
    }
    for (const auto& [name, reason] : one.refused) {
      refused.push_back({{"kernel", name}, {"reason", reason}});
    }
    list.push_back({{"operation", one.operation},
                    {"kernels", kernels},
                    {"in_reserve", one.in_reserve},
                    {"refused", refused}});
  }
  return list;
}

void print(const OperationKernels& one) {
  std::string names, reserve, refused;
  for (const auto& [name, launches] : one.kernels) names += (names.empty() ? "" : ", ") + name;
  for (const std::string& name : one.in_reserve) {
    reserve += (reserve.empty() ? "; in reserve: " : ", ") + name;
  }
  for (const auto& [name, reason] : one.refused) {
    refused += fmt::format("{}{}: {}", refused.empty() ? "; not " : "; ", name, reason);
  }
  fmt::print("   {}: {}{}{}\n", one.operation, names, reserve, refused);
}

// By index, as devices() lists them; none where a device is refused.
std::vector<OperationKernels> kernels_of(const PhysicalDeviceInfo& device) {
  if (!device.refused.empty()) return {};
  return operation_kernels(device.profile);
}

// The devices as a command that paints would open them. terminal: hears of files that are ignored.
std::vector<PhysicalDeviceInfo> tuned_devices(Terminal& terminal) {
  std::vector<PhysicalDeviceInfo> devices = list_devices();
  for (PhysicalDeviceInfo& device : devices) {
    const auto warn = [&](std::string_view line) { terminal.warn(line); };
    if (device.refused.empty()) {
      device.profile.tuned_kernels = read_tuning(device.profile, warn);
    }
  }
  return devices;
}

std::string tuning_text(const DeviceProfile& device) {
  if (device.tuned_kernels.empty()) return "not tuned (see kiln tune)";
  return fmt::format("{} problems tuned, in {}", device.tuned_kernels.size(),
                     tuning_file(device).string());
}

void print_devices(bool json) {
  Terminal terminal(false);
  const std::vector<DeviceDescription> found = devices();
  const std::vector<PhysicalDeviceInfo> profiles = tuned_devices(terminal);
  if (json) {
    nlohmann::json list = nlohmann::json::array();
    for (const DeviceDescription& device : found) {
      list.push_back({{"index", device.index},
                      {"name", device.name},
                      {"driver", device.driver},
                      {"kind", device.kind},
                      {"refused", device.refused},
                      {"facts", device.facts},
                      {"quirks", device.quirks},
                      {"tuned_problems", profiles.at(device.index).profile.tuned_kernels.size()},
                      {"operations", as_json(kernels_of(profiles.at(device.index)))}});
    }
    fmt::print("{}\n", list.dump(2));
    return;
  }
  for (const DeviceDescription& device : found) {
    fmt::print("{}: {} ({}, {})\n", device.index, device.name, device.kind, device.driver);
    if (!device.refused.empty()) fmt::print("   cannot be used: {}\n", device.refused);
    fmt::print("{}", device.facts);
    for (const std::string& quirk : device.quirks) fmt::print("   quirk: {}\n", quirk);
    const PhysicalDeviceInfo& info = profiles.at(device.index);
    if (device.refused.empty()) fmt::print("   {}\n", tuning_text(info.profile));
    for (const OperationKernels& one : kernels_of(info)) print(one);
  }
  for (const std::string_view kernel : kernels::not_built()) {
    fmt::print("{} was not built: the glslang of the build is too old for it\n", kernel);
  }
}

void print_samplers(bool json) {
  if (json) {
    nlohmann::json list = nlohmann::json::array();
    for (const SamplerDescription& sampler : samplers()) {
      list.push_back({{"name", sampler.name},
                      {"title", sampler.title},
                      {"aliases", sampler.aliases},
                      {"default_schedule", sampler.default_schedule}});
    }
    fmt::print("{}\n", nlohmann::json{{"samplers", list}, {"schedules", schedules()}}.dump(2));
    return;
  }
  for (const SamplerDescription& sampler : samplers()) {
    fmt::print("{:<18} {:<20} {:<10} {}\n", sampler.name, sampler.title, sampler.default_schedule,
               fmt::join(sampler.aliases, ", "));
  }
  fmt::print("\nschedules: {}\n", fmt::join(schedules(), ", "));
}

void add(CLI::App& program, const char* name, const char* help, void (*print)(bool)) {
  CLI::App* command = program.add_subcommand(name, help);
  const auto json = std::make_shared<bool>(false);
  command->add_flag("--json", *json, "print as JSON");
  command->callback([json, print] { print(*json); });
}

}  // namespace

void add_devices(CLI::App& program) {
  add(program, "devices", "every Vulkan device: facts, quirks, the kernels it gets", print_devices);
}

void add_samplers(CLI::App& program) {
  add(program, "samplers", "samplers with their other names, and schedules", print_samplers);
}

}  // namespace kiln::app
