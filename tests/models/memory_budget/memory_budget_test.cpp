// Which measures a budget takes, for Stable Diffusion 1.5 at its true size, without a device.
#include "models/pipeline/memory_budget.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/base/error.h"
#include "tests/device/made_up.h"

namespace kiln {
namespace {

using ::testing::HasSubstr;

class BudgetOfSd15 : public ::testing::Test {
 protected:
  FittedMemory fit(std::uint64_t budget, std::uint32_t side = 512) const {
    const StageShape shape = stage_shape(model_, side, side, 1, true);
    const auto plans = [&](const Measures& measures) {
      const StageTarget target{.element = DType::f16, .device = &device_, .measures = measures};
      std::vector<Plan> made;
      made.push_back(plan_text(model_, target, 2, 0));
      made.push_back(plan_start(model_, target, shape));
      made.push_back(plan_denoise(model_, target, shape));
      made.push_back(plan_decode(model_, target, shape));
      return made;
    };
    return fit_memory(plans, budget, device_.binding_alignment);
  }
  const Model model_ = synthetic_model("sd15", 0);
  const DeviceProfile device_ = test::made_up_card();
};

TEST_F(BudgetOfSd15, FitsACardOf4GbWithOneToSpare) {
  const FittedMemory free = fit(0);
  EXPECT_EQ(free.measures, Measures{});
  EXPECT_LT(free.needs.device_bytes(), 3'000'000'000u);
  EXPECT_EQ(fit(3'000'000'000).measures, Measures{});
}

TEST_F(BudgetOfSd15, FitsTwoGb) {
  const FittedMemory fitted = fit(2'000'000'000);
  EXPECT_LE(fitted.needs.device_bytes(), 2'000'000'000u);
  EXPECT_GT(fitted.measures.streamed_once, 0u);
}

TEST_F(BudgetOfSd15, OneGbStreamsNoMoreOfTheUnetThanItMust) {
  const FittedMemory fitted = fit(1'000'000'000);
  EXPECT_LE(fitted.needs.device_bytes(), 1'000'000'000u);
  EXPECT_GE(fitted.needs.device_bytes(), 920'000'000u);
  EXPECT_FALSE(fitted.measures.sequential_guidance) << "would copy every weight twice a row";
  EXPECT_LT(fitted.measures.streamed_each_row, 1'300'000'000u);
}

TEST_F(BudgetOfSd15, TooLittleIsRefusedWithTheNumbers) {
  try {
    fit(100'000'000);
    FAIL() << "was planned";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("[memory] at least"));
    EXPECT_THAT(error.what(), HasSubstr("stage decode"));
    EXPECT_THAT(error.what(), HasSubstr("the limit is 100.0 MB"));
  }
}

TEST(ParseMemory, TakesDecimalAndBinaryUnits) {
  EXPECT_EQ(parse_memory("--max-memory", "3GB"), 3'000'000'000u);
  EXPECT_EQ(parse_memory("--max-memory", "1.5 GiB"), 3ull << 29);
  EXPECT_EQ(parse_memory("--max-memory", "300MB"), 300'000'000u);
  EXPECT_EQ(parse_memory("--max-memory", "512 MiB"), 512ull << 20);
}

TEST(ParseMemory, RefusesWhatIsNoSize) {
  for (const char* text : {"", "3", "GB", "-1GB", "0GB", "nanGB", "infGB", "3gb", "3GBs", "1e300GB",
                           "3 G B", "0x10MB"}) {
    try {
      parse_memory("--max-memory", text);
      ADD_FAILURE() << "took '" << text << "'";
    } catch (const Error& error) {
      EXPECT_EQ(error.fault(), Fault::usage);
      EXPECT_THAT(error.what(), HasSubstr("--max-memory"));
    }
  }
}

}  // namespace
}  // namespace kiln
