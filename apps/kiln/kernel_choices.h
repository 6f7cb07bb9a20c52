// Every choice of kernels a plan can be made with, and which of them each operation gets.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/graph/plan.h"

namespace kiln::app {

using PlanMaker = std::function<Plan(const DeviceProfile& device)>;

// Visits the plan made for the device, then those made while kernels of it are avoided, for every
// set of kernels that others can stand in for. Returns why not even the first can be made; empty:
// it was.
std::string for_each_choice(const DeviceProfile& device, const PlanMaker& make,
                            const std::function<void(const Plan&)>& visit);

// What serves one operation of Stable Diffusion 1.5 on a device.
struct OperationKernels {
  std::string operation;
  std::vector<std::pair<std::string, std::uint32_t>> kernels;  // name and launches
  // Kernels that serve it when those above are avoided.
  std::vector<std::string> in_reserve;
  // Kernels that could serve it elsewhere, but not on this device, and why.
  std::vector<std::pair<std::string, std::string>> refused;
};

// Every kernel that an operation has stands in one of its lists. Sorted by operation; in 16 bits
// where the device stores them. Needs no device.
std::vector<OperationKernels> operation_kernels(const DeviceProfile& device);

}  // namespace kiln::app
