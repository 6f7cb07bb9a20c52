// Ranges of a block: never two owners, and nothing lost.
#include "runtime/execution/free_list.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace kiln {
namespace {

TEST(FreeList, GivesAlignedRangesUntilNothingIsLeft) {
  FreeList list(1000);
  EXPECT_EQ(list.take(10, 256), 0u);
  EXPECT_EQ(list.take(10, 256), 256u);
  EXPECT_EQ(list.take(488, 256), 512u);
  EXPECT_EQ(list.take(1, 256), std::nullopt);
  EXPECT_EQ(list.take(246, 1), 10u);
  EXPECT_EQ(list.free_bytes(), 1000u - 10 - 10 - 488 - 246);
}

TEST(FreeList, NeighboursMergeWhenGivenBackInAnyOrder) {
  FreeList list(300);
  ASSERT_EQ(list.take(100, 1), 0u);
  ASSERT_EQ(list.take(100, 1), 100u);
  ASSERT_EQ(list.take(100, 1), 200u);
  list.give(0, 100);
  list.give(200, 100);
  EXPECT_EQ(list.take(150, 1), std::nullopt);
  list.give(100, 100);
  EXPECT_TRUE(list.unused());
  EXPECT_EQ(list.take(300, 1), 0u);
}

TEST(FreeList, NoTwoRangesOverlapWhateverTheOrder) {
  constexpr std::uint64_t kSize = 1 << 14;
  std::mt19937 random(7);
  FreeList list(kSize);
  struct Taken {
    std::uint64_t offset, size;
  };
  std::vector<Taken> taken;
  for (int round = 0; round < 4000; ++round) {
    if (taken.empty() || random() % 3 != 0) {
      const std::uint64_t size = 1 + random() % 700, alignment = 1ull << random() % 9;
      const auto offset = list.take(size, alignment);
      if (!offset) continue;
      EXPECT_EQ(*offset % alignment, 0u);
      EXPECT_LE(*offset + size, kSize);
      for (const Taken& other : taken) {
        ASSERT_TRUE(*offset >= other.offset + other.size || other.offset >= *offset + size);
      }
      taken.push_back({*offset, size});
    } else {
      std::swap(taken[random() % taken.size()], taken.back());
      list.give(taken.back().offset, taken.back().size);
      taken.pop_back();
    }
  }
  for (const Taken& each : taken) list.give(each.offset, each.size);
  EXPECT_TRUE(list.unused());
}

}  // namespace
}  // namespace kiln
