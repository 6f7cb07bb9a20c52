// Bytes of dispatches, on plans made by hand.
#include "runtime/graph/traffic.h"

#include <gtest/gtest.h>

#include <numeric>

namespace kiln {
namespace {

constexpr Access kAccess[] = {Access::read, Access::read, Access::write};
constexpr KernelInfo kKernel{
    .name = "fake/add", .operands = kAccess, .constant_ids = {}, .spirv = {}};
constexpr Access kInPlace[] = {Access::read_write};
constexpr KernelInfo kUpdate{
    .name = "fake/update", .operands = kInPlace, .constant_ids = {}, .spirv = {}};

Range arena(std::uint64_t offset_bytes, std::uint64_t size_bytes) {
  return {Space::arena, 0, offset_bytes, size_bytes};
}

Dispatch launch(const KernelInfo& kernel, std::vector<Range> ranges, Grid grid = {}) {
  Dispatch dispatch;
  dispatch.kernel = &kernel;
  dispatch.operands.resize(ranges.size());
  dispatch.ranges = std::move(ranges);
  dispatch.grid = grid;
  return dispatch;
}

TEST(Traffic, EachOperandCountsOnceEvenWhereItStandsInForAnother) {
  Plan plan;
  plan.dispatches.push_back(launch(kKernel, {arena(0, 400), arena(512, 100), arena(1024, 30)}));
  plan.dispatches.push_back(launch(kKernel, {arena(0, 400), arena(0, 400), arena(1024, 30)}));
  plan.dispatches.push_back(launch(kUpdate, {arena(0, 64)}));
  const std::vector<DispatchBytes> bytes = dispatch_bytes(plan);
  ASSERT_EQ(bytes.size(), 3u);
  EXPECT_EQ(bytes[0].read, 500u);
  EXPECT_EQ(bytes[0].written, 30u);
  EXPECT_EQ(bytes[1].read, 400u);
  EXPECT_EQ(bytes[2].read, 64u);
  EXPECT_EQ(bytes[2].written, 64u);
}

TEST(Traffic, BandsOfOneOperationShareItsBytesByTheirWorkgroups) {
  Plan plan;
  for (const std::uint32_t rows : {3u, 3u, 1u}) {
    plan.dispatches.push_back(
        launch(kKernel, {arena(0, 700), arena(1024, 100), arena(2048, 71)}, {2, rows, 1}));
  }
  Dispatch other = plan.dispatches.back();
  other.node = 1;
  plan.dispatches.push_back(other);
  const std::vector<DispatchBytes> bytes = dispatch_bytes(plan);
  EXPECT_EQ(bytes[0].read, 342u);  // 800 * 6 / 14
  EXPECT_EQ(bytes[0].read + bytes[1].read + bytes[2].read, 800u);
  EXPECT_EQ(bytes[0].written + bytes[1].written + bytes[2].written, 71u);
  EXPECT_EQ(bytes[3].read, 800u) << "another operation is no band of the first";
}

TEST(Traffic, AnOperandThatIsTouchedInPartCountsThatPart) {
  Plan plan;
  plan.dispatches.push_back(launch(kKernel, {arena(0, 400), arena(512, 100), arena(1024, 30)}));
  plan.dispatches[0].operands[0] = touching(plan.dispatches[0].operands[0], 8);
  plan.dispatches[0].operands[1] = touching(plan.dispatches[0].operands[1], 1000);
  EXPECT_EQ(dispatch_bytes(plan)[0].read, 108u);
}

}  // namespace
}  // namespace kiln
