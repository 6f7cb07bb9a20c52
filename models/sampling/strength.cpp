// The two rules for the number of steps of image to image.
#include "models/sampling/strength.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "runtime/base/error.h"

namespace kiln {
namespace {

// The double nearest to the shortest decimal of a float: 0.9 and not 0.899999976.
double checked(float strength) {
  if (!(strength >= 0 && strength <= 1)) {
    fail_usage("strength", "{} is not within 0 to 1", strength);
  }
  return std::strtod(fmt::format("{}", strength).c_str(), nullptr);
}

}  // namespace

std::uint32_t diffusers_start_step(std::uint32_t steps, float strength) {
  return steps - std::min(std::uint32_t(steps * checked(strength)), steps);
}

std::uint32_t a1111_start_step(std::uint32_t steps, float strength) {
  const auto skipped = std::uint32_t(steps * std::min(checked(strength), 0.999));
  return steps - std::min(skipped + 1, steps);
}

}  // namespace kiln
