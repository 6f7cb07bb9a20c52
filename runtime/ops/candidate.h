// Candidate: one of the kernels that can serve an operation, and the choice among a list of them.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/base/error.h"
#include "runtime/graph/lowering.h"

namespace kiln {

template <typename Problem>
struct Candidate {
  // The kernel, whose needs the device must serve.
  const KernelInfo& (*kernel)(DType element);
  // Whether the kernel can serve this problem on a device that can run it.
  bool (*fits)(const DeviceProfile& device, DType element, const Problem& problem);
  void (*lower)(Lowering& to, const Problem& problem);
  // Names of the tiles it can be launched with for a problem that it fits, that of the tuning table
  // first; lower() obeys Lowering::tile(). Null: there is but one.
  std::vector<std::string> (*tiles)(const DeviceProfile& device, DType element,
                                    const Problem& problem) = nullptr;

  bool serves(const DeviceProfile& device, DType element, const Problem& problem) const {
    return device.may_use(kernel(element)) && fits(device, element, problem);
  }
  bool has_tile(const DeviceProfile& device, DType element, const Problem& problem,
                const std::string& tile) const {
    if (tile.empty() || tiles == nullptr) return tile.empty();
    const std::vector<std::string> names = tiles(device, element, problem);
    return std::find(names.begin(), names.end(), tile) != names.end();
  }
};

// Every kernel of the list that serves the problem, in each of its tiles, best first.
template <typename Problem>
std::vector<KernelChoice> choices_among(std::span<const Candidate<Problem>> candidates,
                                        const DeviceProfile& device, DType element,
                                        const Problem& problem) {
  std::vector<KernelChoice> choices;
  for (const Candidate<Problem>& candidate : candidates) {
    const std::string name(candidate.kernel(element).name);
    const auto same = [&](const KernelChoice& choice) { return choice.kernel == name; };
    if (!candidate.serves(device, element, problem) ||
        std::any_of(choices.begin(), choices.end(), same))
      continue;
    if (candidate.tiles == nullptr) {
      choices.push_back({name, {}});
      continue;
    }
    for (std::string& tile : candidate.tiles(device, element, problem)) {
      choices.push_back({name, std::move(tile)});
    }
  }
  return choices;
}

// Lowers through the first candidate that can run and fits, or through Lowering::preferred() if
// that is one of those. what: the operation, for the error. name: of the problem, by which it is
// tuned; empty: it cannot be.
template <typename Problem>
void lower_through(std::span<const Candidate<Problem>> candidates, Lowering& to,
                   const Problem& problem, std::string_view what, std::string name = {}) {
  const DeviceProfile& device = to.device();
  const KernelChoice preferred = to.preferred(name);
  const Candidate<Problem>* chosen = nullptr;
  std::string tile;
  for (const Candidate<Problem>& candidate : candidates) {
    if (!candidate.serves(device, to.element(), problem)) continue;
    if (chosen == nullptr) chosen = &candidate;
    if (candidate.kernel(to.element()).name != preferred.kernel ||
        !candidate.has_tile(device, to.element(), problem, preferred.tile))
      continue;
    chosen = &candidate;
    tile = preferred.tile;
    break;
  }
  if (chosen == nullptr) {
    fail(to.path(), "no {} kernel fits {}{}", what, device.name,
         device.avoided_kernels.empty() ? "" : " among those not to be avoided");
  }
  if (!name.empty()) {
    to.problems.push_back(
        {std::move(name), [candidates, element = to.element(), problem](const DeviceProfile& of) {
           return choices_among(candidates, of, element, problem);
         }});
  }
  to.choose_tile(std::move(tile));
  chosen->lower(to, problem);
}

}  // namespace kiln
