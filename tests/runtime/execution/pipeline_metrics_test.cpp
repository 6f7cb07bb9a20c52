// Statistics in drivers' words become columns; what a driver does not tell stays empty.
#include "runtime/execution/pipeline_metrics.h"

#include <gtest/gtest.h>

namespace kiln {
namespace {

PipelineExecutable executable(std::uint32_t subgroup, std::vector<PipelineStatistic> statistics) {
  return {.name = "compute",
          .subgroup_size = subgroup,
          .statistics = std::move(statistics),
          .representations = {}};
}

TEST(PipelineMetrics, KnowAmdsWords) {
  const PipelineMetrics metrics =
      pipeline_metrics(std::vector{executable(64, {{"SGPRs", 108},
                                                   {"VGPRs", 84},
                                                   {"Spilled SGPRs", 3},
                                                   {"Spilled VGPRs", 4},
                                                   {"Code size", 4716},
                                                   {"LDS size", 4096},
                                                   {"Scratch size", 0},
                                                   {"Subgroups per SIMD", 18},
                                                   {"Instructions", 933},
                                                   {"Inverse Throughput", 6660}})});
  EXPECT_EQ(metrics.registers, 84);
  EXPECT_EQ(metrics.spilled, 7);
  EXPECT_EQ(metrics.scratch, 0);
  EXPECT_EQ(metrics.shared, 4096);
  EXPECT_EQ(metrics.occupancy, 18);
  EXPECT_EQ(metrics.occupancy_unit, "Subgroups per SIMD");
  EXPECT_EQ(metrics.instructions, 933);
  EXPECT_EQ(metrics.code_bytes, 4716);
  EXPECT_EQ(metrics.cycles, 6660);
  EXPECT_TRUE(metrics.spills());
}

TEST(PipelineMetrics, OfSeveralExecutablesAreTheWidestsAndTheMostSpilled) {
  const PipelineMetrics metrics = pipeline_metrics(
      std::vector{executable(8, {{"Instruction Count", 100}, {"Spill Count", 2}}),
                  executable(16, {{"Instruction Count", 90}, {"Spill Count", 0}})});
  EXPECT_EQ(metrics.instructions, 90);
  EXPECT_EQ(metrics.spilled, 2);
}

TEST(PipelineMetrics, AreEmptyWhereTheDriverTellsNothing) {
  const PipelineMetrics metrics = pipeline_metrics({});
  EXPECT_FALSE(metrics.instructions.has_value());
  EXPECT_FALSE(metrics.spilled.has_value());
  EXPECT_FALSE(metrics.spills());
  EXPECT_FALSE(
      pipeline_metrics(std::vector{executable(32, {{"Spills to reg", 7}})}).spilled.has_value());
}

TEST(PipelineMetrics, CallMemoryForArraysASpillToo) {
  EXPECT_TRUE(
      pipeline_metrics(std::vector{executable(32, {{"Spills to memory", 0}, {"SLM size", 1280}})})
          .spills());
}

}  // namespace
}  // namespace kiln
