// verify without golden data: every kernel on this device, as a table, and what to avoid.
#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "apps/kiln/verify.h"
#include "models/pipeline/avoid_list.h"
#include "runtime/base/error.h"
#include "runtime/execution/open_device.h"
#include "runtime/verification/self_test.h"

namespace kiln::app {
namespace {

double error_of(const KernelResult& result) {
  return std::abs(result.worst.worst.actual - result.worst.worst.expected);
}

std::string kernels_text(const KernelResult& result) {
  return result.kernels.empty() ? "(none)" : fmt::format("{}", fmt::join(result.kernels, " + "));
}

void print(const SelfTest& test, const DeviceProfile& device) {
  fmt::print("{} ({})\n", device.name, device.driver);
  fmt::print("     {:<48} {:<4} {:>5}  {:>9} {:>9}  {}\n", "kernel", "type", "cases", "error",
             "allowed", "worst case");
  for (const KernelResult& result : test.results) {
    fmt::print("{} {:<48} {:<4} {:>5}  {:>9.2e} {:>9.2e}  {}\n", result.passed() ? "pass" : "FAIL",
               kernels_text(result), to_text(result.element), result.cases, error_of(result),
               result.worst.worst.allowed, result.worst_case);
    if (!result.problem.empty()) fmt::print("     {}\n", result.problem);
  }
  fmt::print("not tested here (see --golden): {}\n", fmt::join(test.untested, ", "));
}

// A number of JSON: infinity and NaN have none there.
nlohmann::json number(double value) {
  return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json(fmt::format("{}", value));
}

nlohmann::json as_json(const SelfTest& test, const DeviceProfile& device) {
  nlohmann::json results = nlohmann::json::array();
  for (const KernelResult& result : test.results) {
    const reference::Difference& worst = result.worst.worst;
    results.push_back({{"kernels", result.kernels},
                       {"element", to_text(result.element)},
                       {"cases", result.cases},
                       {"worst_case", result.worst_case},
                       {"index", worst.element},
                       {"actual", number(worst.actual)},
                       {"expected", number(worst.expected)},
                       {"error", number(error_of(result))},
                       {"allowed", number(worst.allowed)},
                       {"passed", result.passed()},
                       {"problem", result.problem}});
  }
  return {{"device", device.name},
          {"driver", device.driver},
          {"results", results},
          {"untested", test.untested}};
}

// Remembers what can be avoided, and says on stderr what that means.
void remember(const SelfTest& test, const DeviceProfile& device) {
  const std::vector<std::string> avoid = replaceable(test, device);
  write_avoid_list(device, avoid);
  if (avoid.empty()) return;
  fmt::print(stderr, "kiln: from now on {} will be avoided on this driver ({})\n",
             fmt::join(avoid, ", "), avoid_list_file(device).string());
}

}  // namespace

void run_self_test(const VerifyOptions& options, bool json) {
  OpenDevice device({.selector = options.device, .on_message = {}});
  device.avoid(options.avoid);
  Executor executor(device.device());
  const SelfTest test = self_test(executor, device.profile());
  if (json) {
    fmt::print("{}\n", as_json(test, device.profile()).dump(2));
  } else {
    print(test, device.profile());
  }
  std::vector<std::string> failed;
  for (const KernelResult& result : test.results) {
    if (!result.passed()) {
      failed.push_back(fmt::format("{} {}", kernels_text(result), to_text(result.element)));
    }
  }
  // A test that was told to leave kernels out says nothing of them.
  if (options.avoid.empty()) remember(test, device.profile());
  if (!failed.empty()) {
    fail("verify", "wrong on {} ({}): {}", device.profile().name, device.profile().driver,
         fmt::join(failed, ", "));
  }
}

}  // namespace kiln::app
