// The self-test passes on a sound driver and names exactly the kernel that is not.
#include "runtime/verification/self_test.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "kernels/all.h"
#include "tests/device/device_under_test.h"
#include "tests/models/tapes/spoiled_kernel.h"

namespace kiln::test {
namespace {

std::set<std::string> failed(const SelfTest& test) {
  std::set<std::string> kernels;
  for (const KernelResult& result : test.results) {
    if (!result.passed()) kernels.insert(result.kernels.begin(), result.kernels.end());
  }
  return kernels;
}

// Without products and attention: most of the time, and no part in what is asked of it.
DeviceProfile without_products(DeviceProfile device) {
  for (const KernelInfo* kernel : kernels::all()) {
    if (kernel->name.starts_with("matmul/") || kernel->name.starts_with("attention/")) {
      device.avoided_kernels.emplace_back(kernel->name);
    }
  }
  return device;
}

TEST(SelfTest, PassesAndReachesEveryKernelOfTheCatalogue) {
  Executor executor(device_under_test().device());
  const SelfTest test = self_test(executor, executor.profile());
  for (const KernelResult& result : test.results) {
    EXPECT_TRUE(result.passed()) << result.problem << " " << to_text(result.worst);
    EXPECT_GT(result.cases, 0u);
  }
  // Sampling has no reference of this kind; tests/models/sampler_ops checks it.
  const bool stores_halves = executor.profile().serves(kNeedStorage16);
  for (const std::string& kernel : test.untested) {
    // Float32 pictures differ from the element type in 16-bit graphs only.
    if (kernel == "image/to_rgb8_float" && !stores_halves) continue;
    EXPECT_THAT(kernel,
                testing::AnyOf(testing::StartsWith("sampling/"), testing::StartsWith("bench/")));
  }
}

TEST(SelfTest, NamesExactlyTheSpoiledKernel) {
  for (const std::string kernel : {"norm/group_norm", "elementwise/geglu"}) {
    Executor executor(device_under_test().device(), nullptr, spoiled(kernel));
    const SelfTest test = self_test(executor, without_products(executor.profile()));
    EXPECT_EQ(failed(test), std::set<std::string>{kernel});
    // Only what others can stand in for is worth remembering.
    const bool others = kernel == "norm/group_norm";
    EXPECT_EQ(replaceable(test, executor.profile()),
              others ? std::vector<std::string>{kernel} : std::vector<std::string>{});
  }
}

TEST(SelfTest, DoesNotRunWhatIsToBeAvoided) {
  Executor executor(device_under_test().device(), nullptr, spoiled("norm/group_norm"));
  DeviceProfile device = without_products(executor.profile());
  device.avoided_kernels.emplace_back("norm/group_norm");
  const SelfTest test = self_test(executor, device);
  EXPECT_THAT(failed(test), testing::IsEmpty());
  for (const KernelResult& result : test.results) {
    EXPECT_THAT(result.kernels, testing::Not(testing::Contains("norm/group_norm")));
  }
}

}  // namespace
}  // namespace kiln::test
