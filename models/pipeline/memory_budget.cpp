// Measures are tried from the cheapest on; a bisection finds how many weights have to be streamed.
#include "models/pipeline/memory_budget.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "runtime/base/error.h"

namespace kiln {
namespace {

// Steps of the bisection: streamed weights are chosen to a 64th of all.
constexpr std::uint64_t kShares = 64;

using Measure = void (*)(Measures&);

// All but streaming each row, from the cheapest on.
constexpr Measure kMeasures[] = {
    [](Measures& measures) { measures.streamed_once = Streaming::kAll; },
    [](Measures& measures) { measures.sequential_guidance = true; },
    [](Measures& measures) { measures.autoencoder_in_bands = true; },
};

class Fitting {
 public:
  Fitting(const PlanStages& plan, std::uint64_t budget_bytes, std::uint64_t alignment)
      : plan_(plan), budget_(budget_bytes), alignment_(alignment) {}

  FittedMemory run() {
    FittedMemory best = with({});
    for (const Measure measure : kMeasures) {
      if (fits(best)) return best;
      Measures more = best.measures;
      measure(more);
      const FittedMemory next = with(more);
      if (next.needs.device_bytes() < best.needs.device_bytes()) best = next;
    }
    if (fits(best)) return best;
    FittedMemory streamed = stream(best);
    if (fits(streamed)) return streamed;
    FittedMemory least = with(everything());
    if (fits(least)) return least;
    refuse(least.needs.device_bytes() < streamed.needs.device_bytes() ? least : streamed);
  }

 private:
  FittedMemory with(const Measures& measures) const {
    const std::vector<Plan> plans = plan_(measures);
    std::vector<const Plan*> pointers;
    for (const Plan& plan : plans) pointers.push_back(&plan);
    return {measures, memory_needs(pointers, alignment_)};
  }
  bool fits(const FittedMemory& fitted) const {
    return budget_ == 0 || fitted.needs.device_bytes() <= budget_;
  }

  // Two passes a row read every streamed weight twice: so one pass, if that does.
  FittedMemory stream(const FittedMemory& before) const {
    for (const bool sequential : {false, true}) {
      if (sequential && !before.measures.sequential_guidance) break;
      Measures all = before.measures;
      all.sequential_guidance = sequential;
      all.streamed_each_row = Streaming::kAll;
      if (fits(with(all))) return fewest_streamed(all);
    }
    Measures all = before.measures;
    all.streamed_each_row = Streaming::kAll;
    return with(all);
  }

  // all: measures that fit with every weight streamed.
  FittedMemory fewest_streamed(const Measures& all) const {
    Measures none = all;
    none.streamed_each_row = 0;
    const std::uint64_t bytes = with(none).needs.weight_bytes;
    FittedMemory best = with(all);
    std::uint64_t too_few = 0, enough = kShares;
    while (enough - too_few > 1) {
      const std::uint64_t middle = (too_few + enough) / 2;
      Measures some = all;
      some.streamed_each_row = bytes / kShares * middle;
      const FittedMemory tried = with(some);
      if (fits(tried)) best = tried;
      (fits(tried) ? enough : too_few) = middle;
    }
    return best;
  }

  static Measures everything() {
    Measures measures;
    for (const Measure measure : kMeasures) measure(measures);
    measures.streamed_each_row = Streaming::kAll;
    measures.segment_bytes = 0;
    return measures;
  }

  [[noreturn]] void refuse(const FittedMemory& least) const {
    const MemoryNeeds& needs = least.needs;
    fail("memory",
         "at least {} are needed with every measure taken (activations of stage {}: {}, weights "
         "that stay on the device: {}, tensors shared by stages: {}); the limit is {}",
         gigabytes(needs.device_bytes()), needs.largest_stage, gigabytes(needs.arena_bytes),
         gigabytes(needs.weight_bytes), gigabytes(needs.persistent_bytes), gigabytes(budget_));
  }

  const PlanStages& plan_;
  std::uint64_t budget_, alignment_;
};

}  // namespace

FittedMemory fit_memory(const PlanStages& plan, std::uint64_t budget_bytes,
                        std::uint64_t alignment) {
  return Fitting(plan, budget_bytes, alignment).run();
}

std::vector<std::string> to_text(const FittedMemory& fitted) {
  const Measures& measures = fitted.measures;
  std::vector<std::string> texts;
  if (measures.streamed_once > 0) {
    texts.emplace_back(
        "weights of the text encoder, the keys and values of prompts, and the autoencoder in host "
        "memory");
  }
  if (measures.sequential_guidance) texts.emplace_back("guidance as two passes");
  if (measures.autoencoder_in_bands) texts.emplace_back("the autoencoder in bands");
  if (measures.streamed_each_row > 0) {
    texts.push_back(fmt::format(
        "{} of weights in host memory, of the denoiser too, copied {}",
        gigabytes(fitted.needs.host_weight_bytes),
        measures.segment_bytes > 0 ? "ahead of their use" : "one by one before their use"));
  }
  return texts;
}

std::string gigabytes(std::uint64_t bytes) {
  if (bytes < 1'000'000'000) return fmt::format("{:.1f} MB", double(bytes) * 1e-6);
  return fmt::format("{:.3f} GB", double(bytes) * 1e-9);
}

std::uint64_t parse_memory(const std::string& option, const std::string& text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [unit, error] = std::from_chars(text.data(), end, value);
  std::string_view word(unit, std::size_t(end - unit));
  while (word.starts_with(' ')) word.remove_prefix(1);
  const double scale = word == "MB"    ? 1e6
                       : word == "GB"  ? 1e9
                       : word == "MiB" ? double(1 << 20)
                       : word == "GiB" ? double(1 << 30)
                                       : 0;
  if (error != std::errc{} || scale == 0 || !(value * scale >= 1) || !(value * scale < 1e15)) {
    fail_usage(option, "is '{}', expected a size such as 3GB, 2GiB, 300MB or 512MiB", text);
  }
  return std::uint64_t(value * scale);
}

}  // namespace kiln
