// Packing on several threads: everything arrives once, failures arrive as they were thrown.
#include "runtime/execution/packing_crew.h"

#include <gtest/gtest.h>

#include <cstring>
#include <numeric>

#include "runtime/base/error.h"
#include "runtime/execution/parallel.h"

namespace kiln {
namespace {

struct Weights {
  std::vector<WeightData> sources;
  std::vector<PlannedWeight> planned;
};

// `count` weights of 64 floats; all of weight i are i.
Weights made(std::size_t count) {
  Weights weights;
  for (std::size_t i = 0; i < count; ++i) {
    weights.sources.push_back({"w" + std::to_string(i), {64}, DType::f32, [i](auto out) {
                                 const std::vector<float> values(64, float(i));
                                 std::memcpy(out.data(), values.data(), out.size());
                               }});
    weights.planned.push_back({std::uint32_t(i), {}, DType::f32, 256, "w"});
  }
  return weights;
}

std::vector<PackingJob> jobs_of(const Weights& weights) {
  std::vector<PackingJob> jobs;
  for (std::size_t i = 0; i < weights.sources.size(); ++i) {
    jobs.push_back({&weights.sources[i], &weights.planned[i], nullptr, false});
  }
  return jobs;
}

TEST(PackingCrew, EveryWeightArrivesOnce) {
  const Weights weights = made(300);
  PackingCrew crew(jobs_of(weights));
  std::vector<int> seen(300);
  while (const auto packed = crew.next()) {
    ++seen[packed->job];
    ASSERT_EQ(packed->bytes.size(), 256u);
    float last = 0;
    std::memcpy(&last, packed->bytes.data() + 252, 4);
    EXPECT_EQ(last, float(packed->job));
  }
  EXPECT_EQ(seen, std::vector<int>(300, 1));
}

TEST(PackingCrew, WeightsWithATargetArePackedThereCachedOrNot) {
  const Weights weights = made(2);
  std::vector<float> targets(128, -1.0f);
  auto jobs = jobs_of(weights);
  jobs[0].target = reinterpret_cast<std::byte*>(targets.data());
  jobs[1].target = reinterpret_cast<std::byte*>(targets.data() + 64);
  jobs[1].cached = true;
  PackingCrew crew(jobs);
  while (const auto packed = crew.next()) EXPECT_TRUE(packed->bytes.empty());
  EXPECT_EQ(targets.front(), 0.0f);
  EXPECT_EQ(targets.back(), 1.0f);
}

TEST(PackingCrew, WhatAReaderThrowsReachesTheCaller) {
  Weights weights = made(50);
  weights.sources[20].read = [](auto) { fail("w20", "the file ended"); };
  PackingCrew crew(jobs_of(weights));
  try {
    while (crew.next()) {
    }
    FAIL() << "did not throw";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "[w20] the file ended");
  }
}

TEST(PackingCrew, MayBeLeftBeforeTheEnd) {
  const Weights weights = made(100);
  PackingCrew crew(jobs_of(weights));
  EXPECT_TRUE(crew.next().has_value());
}

TEST(ParallelFor, CallsEachNumberOnceAndRethrows) {
  std::vector<int> calls(1000);
  parallel_for(calls.size(), [&](std::size_t i) { ++calls[i]; });
  EXPECT_EQ(std::accumulate(calls.begin(), calls.end(), 0), 1000);
  EXPECT_EQ(calls, std::vector<int>(1000, 1));
  EXPECT_THROW(parallel_for(10,
                            [](std::size_t i) {
                              if (i == 3) fail("three", "is refused");
                            }),
               Error);
  parallel_for(0, [](std::size_t) { FAIL(); });
}

}  // namespace
}  // namespace kiln
