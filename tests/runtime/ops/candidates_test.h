// What tests of operations with several kernels share: each kernel in turn.
#pragma once

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>

#include "runtime/ops/candidate.h"
#include "tests/device/run_op.h"
#include "tests/device/run_plan.h"

namespace kiln::test {

// Calls body(element, kernel) for each element type and each kernel of the list that the device can
// run.
template <typename Problem, typename Body>
void for_each_candidate(std::span<const Candidate<Problem>> candidates, const Body& body) {
  for (const DType element : element_types()) {
    std::set<std::string_view> seen;
    for (const Candidate<Problem>& candidate : candidates) {
      const KernelInfo& kernel = candidate.kernel(element);
      const bool other_type = kernel.element == DType::f16 && element != DType::f16;
      if (other_type || !device_profile().serves(kernel.needs)) continue;
      if (!seen.insert(kernel.name).second) continue;
      SCOPED_TRACE(std::string(kernel.name) + " " + std::string(to_text(element)));
      body(element, kernel.name);
    }
  }
}

// Fails unless the wanted kernel is chosen in at least one of the graphs that
// record(run, index), index < count, makes: else no test reaches it. `but`: a kernel left out.
template <typename Problem, typename Record>
void expect_every_candidate_chosen(std::span<const Candidate<Problem>> candidates,
                                   std::size_t count, const Record& record,
                                   std::string_view but = {}) {
  for_each_candidate(candidates, [&](DType element, std::string_view kernel) {
    if (kernel == but) return;
    int chosen = 0;
    for (std::size_t i = 0; i < count; ++i) {
      OpRun run(element, kernel);
      for (const Dispatch& dispatch : run.compiled(record(run, i)).dispatches) {
        chosen += dispatch.kernel->name == kernel;
      }
    }
    EXPECT_GT(chosen, 0);
  });
}

}  // namespace kiln::test
