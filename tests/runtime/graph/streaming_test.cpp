// Weights streamed through the arena: every one is there when it is read, behind the right barrier.
#include "runtime/graph/streaming.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "runtime/graph/memory_needs.h"
#include "runtime/graph/plan.h"
#include "runtime/ops/ops.h"

namespace kiln {
namespace {

constexpr std::uint32_t kWidth = 128;  // a weight of 64 KiB
constexpr int kLayers = 12;

WeightData weight_of(const std::string& name, std::vector<std::int64_t> dims) {
  return {name, std::move(dims), DType::f32, [](std::span<std::byte>) {}};
}

// A chain of layers, run twice with the same weights, as sequential guidance does.
Plan chain(const Streaming& streaming) {
  Graph graph("chain", DType::f32);
  const Tensor x = graph.persistent("x", {1, 4, 4, kWidth}, DType::f32);
  for (const char* pass : {"first", "second"}) {
    Tensor h = x;
    for (int i = 0; i < kLayers; ++i) {
      const std::string name = "layer" + std::to_string(i);
      h = linear(h, graph.constant(weight_of(name, {kWidth, kWidth})),
                 graph.constant(weight_of(name + ".bias", {kWidth})), name);
    }
    graph.keep(h, pass);
  }
  DeviceProfile device;
  device.max_storage_buffers = 8;
  return compile(graph, device, {}, streaming);
}

bool overlap(const Range& a, const Range& b) {
  return a.space == b.space && a.index == b.index &&
         a.offset_bytes < b.offset_bytes + b.size_bytes &&
         b.offset_bytes < a.offset_bytes + a.size_bytes;
}

// Executes a plan's uploads and barriers in the order in which a program records them.
class Recording {
 public:
  void run(const Plan& plan) {
    std::size_t next = 0;
    for (std::size_t d = 0; d < plan.dispatches.size(); ++d) {
      const Dispatch& dispatch = plan.dispatches[d];
      if (dispatch.barrier_before) barrier(dispatch.after_copies);
      const std::size_t first = next;
      for (; next < plan.uploads.size() && plan.uploads[next].before == d; ++next) {
        const Upload& upload = plan.uploads[next];
        if (next > first && plan.uploads[next - 1].awaited && !upload.awaited) barrier(true);
        copy(upload);
      }
      if (next > first && plan.uploads[next - 1].awaited) barrier(true);
      for (std::size_t o = 0; o < dispatch.operands.size(); ++o) {
        use(plan, dispatch, dispatch.operands[o], dispatch.ranges[o],
            writes(dispatch.kernel->operands[o]));
      }
    }
    EXPECT_EQ(next, plan.uploads.size());
  }

 private:
  struct Content {
    Range range;
    std::uint32_t weight;
    bool visible;
  };

  void barrier(bool copies) {
    touched_.clear();
    for (Content& content : contents_) content.visible = content.visible || copies;
  }
  void copy(const Upload& upload) {
    for (const Range& range : touched_) {
      EXPECT_FALSE(overlap(range, upload.to)) << "a copy overtakes a kernel";
    }
    std::erase_if(contents_, [&](const Content& old) {
      EXPECT_TRUE(!overlap(old.range, upload.to) || old.visible) << "copies overtake each other";
      return overlap(old.range, upload.to);
    });
    contents_.push_back({upload.to, upload.weight, false});
  }
  void use(const Plan& plan, const Dispatch& dispatch, const Operand& operand, const Range& range,
           bool written) {
    if (range.space != Space::arena) return;
    touched_.push_back(range);
    if (operand.kind == Operand::Kind::weight) {
      const auto there = std::find_if(contents_.begin(), contents_.end(), [&](const Content& one) {
        return one.weight == operand.index && one.range == range;
      });
      ASSERT_NE(there, contents_.end()) << plan.nodes[dispatch.node].path << " lacks its weight";
      EXPECT_TRUE(there->visible) << plan.nodes[dispatch.node].path << " does not wait";
    } else if (written) {
      std::erase_if(contents_, [&](const Content& old) {
        EXPECT_TRUE(!overlap(old.range, range) || old.visible) << "a kernel overtakes a copy";
        return overlap(old.range, range);
      });
    }
  }

  std::vector<Range> touched_;  // by kernels, since the last barrier
  std::vector<Content> contents_;
};

TEST(Streaming, NothingIsStreamedUnlessAskedFor) {
  const Plan plan = chain({});
  EXPECT_TRUE(plan.uploads.empty());
  EXPECT_EQ(plan.streamed_bytes(), 0u);
}

TEST(Streaming, EveryWeightIsInTheArenaBehindABarrierWhenItIsRead) {
  for (const std::uint64_t segment : {0u, 1u, 100'000u, 200'000u, 1u << 30}) {
    for (const std::uint64_t bytes : {std::uint64_t(1), std::uint64_t(300'000), Streaming::kAll}) {
      SCOPED_TRACE(testing::Message() << segment << " a segment, " << bytes << " bytes");
      const Plan plan = chain({.bytes = bytes, .segment_bytes = segment});
      const std::uint64_t all = kLayers * kWidth * kWidth * 4;
      EXPECT_GE(plan.streamed_bytes(), std::min(bytes, all));
      EXPECT_LE(plan.streamed_bytes(), std::min(bytes, all) + kWidth * kWidth * 4);
      Recording().run(plan);
    }
  }
}

TEST(Streaming, SmallSegmentsNeedLittleMemory) {
  const std::uint64_t weight = kWidth * kWidth * 4, resident = chain({}).arena_bytes;
  const Plan least = chain({.bytes = Streaming::kAll, .segment_bytes = 0});
  EXPECT_LE(least.arena_bytes, resident + weight);
  const Plan ahead = chain({.bytes = Streaming::kAll, .segment_bytes = weight});
  EXPECT_LE(ahead.arena_bytes, resident + 2 * weight);
  EXPECT_EQ(least.uploads.size(), 2u * kLayers) << "each pass copies each weight once";
}

TEST(Streaming, CopiesRunOneSegmentAheadAndKernelsDoNotWaitForThem) {
  const Plan plan = chain({.bytes = Streaming::kAll, .segment_bytes = 3 * kWidth * kWidth * 4});
  std::size_t ahead = 0, waits = 0;
  for (const Upload& upload : plan.uploads) ahead += upload.awaited ? 0 : 1;
  for (const Dispatch& dispatch : plan.dispatches) waits += dispatch.after_copies ? 1 : 0;
  EXPECT_EQ(ahead, plan.uploads.size() - 3) << "all but the first segment";
  EXPECT_EQ(waits, 2u * kLayers / 3) << "once a segment";
}

TEST(MemoryNeeds, CountWeightsAndTensorsOnceAndTheLargestArena) {
  const Plan resident = chain({}), streamed = chain({.bytes = Streaming::kAll});
  const Plan* const twice[] = {&resident, &resident};
  const MemoryNeeds needs = memory_needs(twice, 256);
  EXPECT_EQ(needs.weight_bytes, kLayers * (kWidth * kWidth + kWidth) * 4);
  EXPECT_EQ(needs.persistent_bytes, 3 * 16 * kWidth * 4);
  EXPECT_EQ(needs.device_bytes(),
            needs.weight_bytes + needs.persistent_bytes + resident.arena_bytes);
  EXPECT_EQ(needs.host_bytes(), 0u);
  const Plan* const both[] = {&resident, &streamed};
  EXPECT_EQ(memory_needs(both, 256).arena_bytes, streamed.arena_bytes);
  EXPECT_EQ(memory_needs(both, 256).host_bytes(), kLayers * kWidth * kWidth * 4);
}

}  // namespace
}  // namespace kiln
