// The self-test: every kernel that can serve an operation on this device, against double.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "runtime/verification/node_check.h"

namespace kiln {

// What the kernels that serve an operation together made of all cases they were tried on.
struct KernelResult {
  std::vector<std::string> kernels;  // one, or several dispatched one after another
  DType element = DType::f32;
  std::size_t cases = 0;
  std::string worst_case;  // the tape's name
  NodeCheck worst;         // the node furthest off, in parts of its bound
  std::string problem;     // an error of the driver or of ours; empty: none
  bool passed() const { return problem.empty() && worst.passed(); }
};

struct SelfTest {
  std::vector<KernelResult> results;  // in the order first tried
  std::vector<std::string> untested;  // kernels the device can run that no case reaches, sorted
};

// Runs known_answers() in every element type the device stores. Where an operation has several
// kernels each is tried: those tried before are avoided until no other can do it. device: that of
// the executor; kernels to be avoided are never run. tell: each case's name before it is run; may
// be empty.
SelfTest self_test(Executor& executor, const DeviceProfile& device,
                   const std::function<void(const std::string& name)>& tell = {});

// Those of the kernels that failed which other kernels can stand in for, in every case: full names,
// sorted. Needs no device.
std::vector<std::string> replaceable(const SelfTest& test, const DeviceProfile& device);

}  // namespace kiln
