// Cases times kernels; results are gathered by kernel.
#include "runtime/verification/self_test.h"

#include <algorithm>
#include <set>

#include "kernels/all.h"
#include "runtime/base/error.h"
#include "runtime/verification/known_answers.h"

namespace kiln {
namespace {

std::vector<std::string> kernels_of(const Tape& tape, const DeviceProfile& device) {
  Graph graph(tape.name, tape.element);
  tape.record(graph);
  std::set<std::string> kernels;
  for (const Dispatch& dispatch : compile(graph, device).dispatches) {
    kernels.emplace(dispatch.kernel->name);
  }
  return {kernels.begin(), kernels.end()};
}

bool compiles(const Tape& tape, const DeviceProfile& device) {
  try {
    return !kernels_of(tape, device).empty();
  } catch (const Error&) {
    return false;
  }
}

std::vector<DType> element_types(const DeviceProfile& device) {
  if (device.serves(kNeedStorage16)) return {DType::f32, DType::f16};
  return {DType::f32};
}

class Tester {
 public:
  explicit Tester(Executor& executor) : executor_(executor) {}

  // Each way the device has to run the tape: what was used before is avoided the next time.
  void run(const Tape& tape, DeviceProfile device) {
    for (bool first = true;; first = false) {
      std::vector<std::string> kernels;
      try {
        kernels = kernels_of(tape, device);
      } catch (const Error& error) {
        // Without a wish to avoid anything some kernel must serve.
        if (first && device.avoided_kernels.empty()) result({}, tape).problem = error.what();
        return;
      }
      check(tape, device, kernels);
      device.avoided_kernels.insert(device.avoided_kernels.end(), kernels.begin(), kernels.end());
    }
  }

  std::vector<KernelResult> results;

 private:
  void check(const Tape& tape, const DeviceProfile& device,
             const std::vector<std::string>& kernels) {
    try {
      for (const NodeCheck& node : check_nodes(executor_, device, tape)) {
        KernelResult& of = result(node.kernels, tape);
        ++of.cases;
        if (of.cases > 1 && !(node.worst.ratio > of.worst.worst.ratio)) continue;
        of.worst = node;
        of.worst_case = tape.name;
      }
    } catch (const Error& error) {
      KernelResult& of = result(kernels, tape);
      if (of.problem.empty()) of.worst_case = tape.name;
      of.problem = error.what();
    }
  }

  KernelResult& result(const std::vector<std::string>& kernels, const Tape& tape) {
    for (KernelResult& known : results) {
      if (known.kernels == kernels && known.element == tape.element) return known;
    }
    results.push_back({.kernels = kernels,
                       .element = tape.element,
                       .worst_case = tape.name,
                       .worst = {},
                       .problem = {}});
    return results.back();
  }

  Executor& executor_;
};

}  // namespace

SelfTest self_test(Executor& executor, const DeviceProfile& device,
                   const std::function<void(const std::string& name)>& tell) {
  Tester tester(executor);
  for (const DType element : element_types(device)) {
    for (const Tape& tape : known_answers(element)) {
      if (tell) tell(tape.name);
      tester.run(tape, device);
    }
  }
  std::set<std::string> untested;
  for (const KernelInfo* kernel : kernels::all()) {
    if (device.may_use(*kernel)) untested.emplace(kernel->name);
  }
  for (const KernelResult& result : tester.results) {
    for (const std::string& kernel : result.kernels) untested.erase(kernel);
  }
  return {std::move(tester.results), {untested.begin(), untested.end()}};
}

std::vector<std::string> replaceable(const SelfTest& test, const DeviceProfile& device) {
  std::set<std::string> failed;
  for (const KernelResult& result : test.results) {
    if (!result.passed()) failed.insert(result.kernels.begin(), result.kernels.end());
  }
  DeviceProfile avoiding = device;
  std::vector<std::string> found;
  for (const std::string& kernel : failed) {
    avoiding.avoided_kernels.push_back(kernel);
    bool served = true;
    for (const DType element : element_types(device)) {
      for (const Tape& tape : known_answers(element)) {
        served = served && (compiles(tape, avoiding) || !compiles(tape, device));
      }
    }
    if (served) {
      found.push_back(kernel);
    } else {
      avoiding.avoided_kernels.pop_back();
    }
  }
  return found;
}

}  // namespace kiln
