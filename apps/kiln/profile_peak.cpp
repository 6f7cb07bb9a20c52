// Peaks by trial: work grows until a launch takes long enough to be measured well.
#include "apps/kiln/profile_peak.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "kernels/peak_multiply_add.h"
#include "kernels/peak_multiply_add_half.h"
#include "kernels/peak_stream.h"
#include "runtime/base/align.h"
#include "runtime/execution/executor.h"
#include "runtime/graph/graph.h"
#include "runtime/graph/lowering.h"

namespace kiln::app {
namespace {

constexpr std::uint32_t kWorkgroup = 64;
constexpr std::uint32_t kTurns = 64;
constexpr std::uint64_t kFlopsAnInvocation = kTurns * 16 * 12 * 2;
constexpr std::uint64_t kHalfFlopsAnInvocation = 2 * kFlopsAnInvocation;  // chains of pairs
constexpr std::uint64_t kStreamBytes = 128ull << 20;
constexpr double kLongEnoughMs = 20;
constexpr int kTrials = 8;

// Input: what the invocations write, one float each.
class MultiplyAdds : public Op {
 public:
  std::string_view name() const override { return "multiply_adds"; }
  void lower(Lowering& to) const override {
    const std::uint32_t invocations = to.shape(0).channels;
    to.dispatch<kernels::peak_multiply_add>(
        {to.input(0)}, {.factor = 0.5f, .addend = 1.0f}, {.workgroup = kWorkgroup, .turns = kTurns},
        Grid{invocations / kWorkgroup}, invocations * kFlopsAnInvocation);
  }
};

// The same in 16 bits.
class HalfMultiplyAdds : public Op {
 public:
  std::string_view name() const override { return "half_multiply_adds"; }
  void lower(Lowering& to) const override {
    const std::uint32_t invocations = to.shape(0).channels;
    to.dispatch<kernels::peak_multiply_add_half>(
        {to.input(0)}, {.factor = 0.5f, .addend = 1.0f}, {.workgroup = kWorkgroup, .turns = kTurns},
        Grid{invocations / kWorkgroup}, invocations * kHalfFlopsAnInvocation);
  }
};

// Input: the buffer to pass through.
class Stream : public Op {
 public:
  std::string_view name() const override { return "stream"; }
  void lower(Lowering& to) const override {
    const std::uint32_t quads = to.shape(0).channels / 4;
    to.dispatch<kernels::peak_stream>({to.input(0)}, {.quads = quads, .addend = 1.0f},
                                      {.workgroup = kWorkgroup},
                                      to.folded(divide_up(quads, kWorkgroup)));
  }
};

// The shortest of several launches of one operation on `elements` floats.
double best_ms(Executor& executor, std::unique_ptr<Op> op, std::uint64_t elements) {
  Graph graph("peak", DType::f32);
  const Tensor buffer = graph.persistent("peak", {1, 1, 1, std::uint32_t(elements)}, DType::f32);
  graph.record_effect(std::move(op), {buffer}, "peak");
  const auto stage =
      executor.prepare(compile(graph, executor.profile()), {.timing = Timing::dispatches});
  double best = 0;
  for (int trial = 0; trial <= kTrials; ++trial) {
    executor.wait(stage->submit());
    const double ms = stage->dispatch_ms().front();
    // The first launch touches its memory for the first time.
    if (trial > 0 && (best == 0 || ms < best)) best = ms;
  }
  return best;
}

template <typename Kind>
double multiply_add_gflops(Executor& executor, std::uint64_t flops_an_invocation) {
  const std::uint64_t most = std::min<std::uint64_t>(
      executor.profile().max_grid[0],
      executor.profile().max_dispatch_flops / (flops_an_invocation * kWorkgroup));
  double gflops = 0;
  for (std::uint64_t workgroups = std::min<std::uint64_t>(256, most);; workgroups *= 4) {
    workgroups = std::min(workgroups, most);
    const std::uint64_t invocations = workgroups * kWorkgroup;
    const double ms = best_ms(executor, std::make_unique<Kind>(), invocations);
    if (ms > 0) gflops = std::max(gflops, double(invocations * flops_an_invocation) / ms * 1e-6);
    if (ms >= kLongEnoughMs || workgroups == most) return gflops;
  }
}

double stream_gigabytes(Executor& executor) {
  const std::uint64_t bytes = std::min({kStreamBytes, executor.profile().max_binding_bytes,
                                        executor.profile().max_allocation_bytes / 2});
  const double ms = best_ms(executor, std::make_unique<Stream>(), bytes / 16 * 4);
  return ms > 0 ? 2 * double(bytes) / ms * 1e-6 : 0;
}

}  // namespace

Peaks measure_peaks(const PhysicalDeviceInfo& device) {
  OpenDevice open({.selector = std::to_string(device.index), .on_message = {}});
  Executor executor(open.device());
  return {.gflops = multiply_add_gflops<MultiplyAdds>(executor, kFlopsAnInvocation),
          .gigabytes = stream_gigabytes(executor)};
}

double measure_half_peak(const PhysicalDeviceInfo& device) {
  if (!device.profile.serves(kernels::peak_multiply_add_half::info(DType::f32).needs)) return 0;
  OpenDevice open({.selector = std::to_string(device.index), .on_message = {}});
  Executor executor(open.device());
  return multiply_add_gflops<HalfMultiplyAdds>(executor, kHalfFlopsAnInvocation);
}

}  // namespace kiln::app
