// The sampling loop on a device: rows against double, noise against the host's generator.
#include "models/sampling/sampler_ops.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <span>

#include "models/sampling/random.h"
#include "runtime/base/error.h"
#include "runtime/base/half.h"
#include "runtime/execution/executor.h"
#include "runtime/ops/ops.h"
#include "tests/device/device_under_test.h"
#include "tests/device/run_op.h"
#include "tests/reference/step_row.h"

namespace kiln::test {
namespace {

const Shape kLatent{2, 3, 5, 4};
const std::vector<std::uint64_t> kSeeds = {42, 0x123456789abcdefull};

// Of the first `images` images.
std::vector<std::uint32_t> seed_words(std::size_t images) {
  std::vector<std::uint32_t> words;
  for (const std::uint64_t seed : std::span(kSeeds).first(images)) {
    words.push_back(std::uint32_t(seed));
    words.push_back(std::uint32_t(seed >> 32));
  }
  return words;
}

// From the order of generators [image][channel][pixel] to that of tensors [image][pixel][channel].
template <typename Number>
std::vector<Number> channels_last(const std::vector<Number>& x, const Shape& shape) {
  std::vector<Number> y(x.size());
  const std::size_t pixels = shape.pixels(), channels = shape.channels;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::size_t image = i / (pixels * channels), place = i % (pixels * channels);
    y[i] = x[image * pixels * channels + place % channels * pixels + place / channels];
  }
  return y;
}

// A loop whose network is an input the test writes.
class Loop {
 public:
  Loop(DType element, SamplerShape shape, std::uint32_t copies, bool with_clean, bool rescaled)
      : executor_(device_under_test().device()), shape_(shape), element_(element) {
    Graph start_graph("start", DType::f32), denoise_graph("denoise", element);
    kiln::start(sampler_state(start_graph, shape), with_clean);
    start_ = executor_.prepare(compile(start_graph, executor_.profile()));
    const SamplerState state = sampler_state(denoise_graph, shape);
    Shape batch = shape.latent;
    batch.batch *= copies;
    const Tensor output = denoise_graph.persistent("output", batch, element, Traffic::host_writes);
    denoise_graph.keep(network_input(state, copies), "input", Traffic::host_reads);
    denoise_graph.keep(row_timestep(state), "timestep", Traffic::host_reads);
    apply_row(state, output, rescaled);
    denoise_ = executor_.prepare(compile(denoise_graph, executor_.profile()));
  }

  void start(const std::vector<StepRow>& rows, float clean_scale, float noise_scale) {
    std::vector<std::uint32_t> words(std::size_t(shape_.rows) * sizeof(StepRow) / 4);
    std::memcpy(words.data(), rows.data(), rows.size() * sizeof(StepRow));
    executor_.write_values(sampler_tensor::kTable, words);
    executor_.write_values(sampler_tensor::kSeeds, seed_words(shape_.latent.batch));
    executor_.write_values(sampler_tensor::kStart, std::vector<float>{clean_scale, noise_scale});
    executor_.wait(start_->submit());
  }

  // One row, with this output of the network.
  void step(const std::vector<float>& output) {
    if (element_ == DType::f32) {
      executor_.write_values("output", output);
    } else {
      std::vector<std::uint16_t> halves;
      for (const float value : output) halves.push_back(half_from_float(value));
      executor_.write_values("output", halves);
    }
    executor_.wait(denoise_->submit());
  }

  std::vector<float> slots() { return executor_.read_values<float>(sampler_tensor::kSlots); }
  float timestep() { return executor_.read_values<float>("timestep").at(0); }
  std::uint32_t row() { return executor_.read_values<std::uint32_t>(sampler_tensor::kRow).at(0); }
  std::vector<float> input() {
    if (element_ == DType::f32) return executor_.read_values<float>("input");
    std::vector<float> values;
    for (const std::uint16_t half : executor_.read_values<std::uint16_t>("input")) {
      values.push_back(float_from_half(half));
    }
    return values;
  }
  Executor& executor() { return executor_; }

 private:
  Executor executor_;
  SamplerShape shape_;
  DType element_;
  std::unique_ptr<Stage> start_, denoise_;
};

// Rows with every field in use; noise in all but the second.
std::vector<StepRow> random_rows(std::size_t count) {
  std::vector<StepRow> rows(count);
  std::uint32_t draw = 0;
  for (std::size_t r = 0; r < count; ++r) {
    const auto x = numbers(6 + kSlots * kUpdateColumns, std::uint32_t(r + 50), 0.5f);
    StepRow& row = rows[r];
    row = {.timestep = 999.0f - 333.25f * float(r),
           .input_scale = 1.0f + x[0],
           .skip_scale = x[1],
           .output_scale = x[2],
           .guidance = 7.5f + x[3],
           .guidance_rescale = 0.5f + x[4],
           .noise_draw = r == 1 ? kNoNoise : ++draw,
           .step = std::uint32_t(r)};
    std::memcpy(row.update, x.data() + 6, sizeof(row.update));
  }
  return rows;
}

std::vector<float> uploaded_noise(std::size_t draws) {
  return numbers(draws * kLatent.elements(), 77, 2.0f);
}

// The numbers of a draw in memory order.
std::vector<double> draw_of(const std::vector<float>& noise, std::size_t draw) {
  const auto count = std::ptrdiff_t(kLatent.elements());
  const auto first = noise.begin() + std::ptrdiff_t(draw) * count;
  return channels_last(std::vector<double>(first, first + count), kLatent);
}

struct Mode {
  std::uint32_t copies;
  bool with_clean, rescaled;
};

void run_rows(DType element, const Mode& mode) {
  const std::vector<StepRow> rows = random_rows(4);
  const SamplerShape shape{
      .latent = kLatent, .noise = NoiseSource::uploaded, .rows = 7, .uploaded_draws = 5};
  Loop loop(element, shape, mode.copies, mode.with_clean, mode.rescaled);
  const auto noise = uploaded_noise(5), clean = numbers(kLatent.elements(), 5);
  loop.executor().write_values(sampler_tensor::kNoise, noise);
  if (mode.with_clean) loop.executor().write_values(sampler_tensor::kClean, clean);
  loop.start(rows, 0.75f, 1.5f);

  reference::Slots slots;
  slots.fill(std::vector<double>(kLatent.elements(), 0.0));
  const auto start_noise = draw_of(noise, 0);
  for (std::size_t i = 0; i < slots[0].size(); ++i) {
    slots[0][i] = 1.5 * start_noise[i] + (mode.with_clean ? 0.75 * double(clean[i]) : 0.0);
  }
  for (std::size_t r = 0; r < rows.size(); ++r) {
    SCOPED_TRACE(r);
    std::vector<double> input;
    for (std::uint32_t copy = 0; copy < mode.copies; ++copy) {
      for (const double value : slots[0]) input.push_back(value * double(rows[r].input_scale));
    }
    const auto output = numbers(kLatent.elements() * mode.copies, std::uint32_t(r), 1.0f);
    auto guided = widened(output);
    if (mode.copies == 2) {
      guided =
          reference::guided(rows[r], guided, kLatent.elements() / kLatent.batch, mode.rescaled);
    }
    const std::size_t draw = rows[r].noise_draw == kNoNoise ? 0 : rows[r].noise_draw;
    reference::apply_row(rows[r], guided, draw_of(noise, draw), slots);
    loop.step(output);
    EXPECT_EQ(loop.row(), r + 1);
    EXPECT_EQ(loop.timestep(), rows[r].timestep);
    expect_close(loop.input(), input, element, 32 * 0x1p-24);
    std::vector<double> all;
    for (const auto& slot : slots) all.insert(all.end(), slot.begin(), slot.end());
    // eight products a row of numbers up to about 16, carried from row to row
    expect_close(loop.slots(), all, DType::f32, 8 * 16 * 0x1p-24);
  }
}

TEST(SamplerOps, ApplyTheRowsOfATable) {
  for (const DType element : element_types()) run_rows(element, {1, false, false});
}

TEST(SamplerOps, GuideWithBothHalvesOfTheBatch) {
  for (const DType element : element_types()) run_rows(element, {2, false, false});
}

TEST(SamplerOps, RescaleGuidanceByTheDeviationOfEachImage) {
  for (const DType element : element_types()) run_rows(element, {2, false, true});
}

TEST(SamplerOps, StartFromACleanLatent) {
  for (const DType element : element_types()) run_rows(element, {2, true, false});
}

TEST(SamplerOps, StartAgainFromRowZeroWithEmptySlots) {
  const SamplerShape shape{.latent = kLatent, .rows = 4};
  Loop loop(DType::f32, shape, 1, false, false);
  loop.start(random_rows(4), 0.0f, 1.0f);
  const auto first = loop.slots();
  loop.step(numbers(kLatent.elements(), 3));
  loop.step(numbers(kLatent.elements(), 4));
  EXPECT_EQ(loop.row(), 2u);
  EXPECT_NE(loop.slots(), first);
  loop.start(random_rows(4), 0.0f, 1.0f);
  EXPECT_EQ(loop.row(), 0u);
  EXPECT_EQ(loop.slots(), first);
  for (std::size_t i = kLatent.elements(); i < first.size(); ++i) ASSERT_EQ(first[i], 0.0f);
}

// Draw `draw` for both images, in the order of generators.
std::vector<float> host_noise(std::uint32_t draw) {
  std::vector<float> noise(kLatent.elements());
  const std::size_t half = noise.size() / 2;
  philox_normals(kSeeds[0], draw, 0, std::span(noise).first(half));
  philox_normals(kSeeds[1], draw, 0, std::span(noise).last(half));
  return noise;
}

std::vector<float> first_slot(Loop& loop) {
  std::vector<float> slots = loop.slots();
  slots.resize(kLatent.elements());
  return slots;
}

TEST(SamplerOps, StartFromTheBytesOfTheHostsGenerator) {
  for (const std::uint32_t first_draw : {0u, 1u}) {
    const SamplerShape shape{.latent = kLatent, .rows = 1, .first_draw = first_draw};
    Loop loop(DType::f32, shape, 1, false, false);
    loop.start(random_rows(1), 0.0f, 1.0f);
    EXPECT_EQ(first_slot(loop), channels_last(host_noise(first_draw), kLatent));
  }
}

TEST(SamplerOps, UseTheDrawThatTheRowNames) {
  for (const std::uint32_t first_draw : {0u, 1u}) {
    const SamplerShape shape{.latent = kLatent, .rows = 2, .first_draw = first_draw};
    Loop loop(DType::f32, shape, 1, false, false);
    std::vector<StepRow> rows(2);  // slot 0 = noise alone
    for (std::uint32_t r = 0; r < 2; ++r) {
      rows[r].update[0][kNoiseColumn] = 1.0f;
      rows[r].noise_draw = 7 - r;
    }
    loop.start(rows, 0.0f, 1.0f);
    for (std::uint32_t r = 0; r < 2; ++r) {
      loop.step(numbers(kLatent.elements(), 3));
      EXPECT_EQ(first_slot(loop), channels_last(host_noise(first_draw + 7 - r), kLatent));
    }
  }
}

TEST(SamplerOps, GiveAnImageTheSameBytesAloneAndInABatch) {
  SamplerShape shape{.latent = kLatent, .rows = 2};
  std::vector<StepRow> rows = random_rows(2);
  Loop pair(DType::f32, shape, 2, false, true);
  pair.start(rows, 0.0f, 1.0f);
  shape.latent.batch = 1;
  Loop alone(DType::f32, shape, 2, false, true);
  alone.start(rows, 0.0f, 1.0f);
  const std::size_t image = shape.latent.elements();
  for (std::uint32_t r = 0; r < 2; ++r) {
    const auto output = numbers(4 * image, r);
    pair.step(output);
    std::vector<float> of_first(output.begin(), output.begin() + std::ptrdiff_t(image));
    of_first.insert(of_first.end(), output.begin() + std::ptrdiff_t(2 * image),
                    output.begin() + std::ptrdiff_t(3 * image));
    alone.step(of_first);
    std::vector<float> together = pair.slots(), single = alone.slots();
    together.resize(image);
    single.resize(image);
    EXPECT_EQ(together, single);
  }
}

// The clean latent drawn from `moments`, which may be those of one image for all.
std::vector<float> sampled(DType element, const Shape& moments_shape,
                           const std::vector<float>& moments, const Posterior& posterior,
                           const std::vector<float>& noise) {
  Executor executor(device_under_test().device());
  Graph graph("encode", element);
  const SamplerState state = sampler_state(graph, {.latent = kLatent});
  const Tensor input = graph.persistent("moments", moments_shape, DType::f32, Traffic::host_writes);
  sample_posterior(state, to_element(input), posterior);
  const auto stage = executor.prepare(compile(graph, executor.profile()));
  executor.write_values("moments", moments);
  executor.write_values(sampler_tensor::kSeeds, seed_words(kLatent.batch));
  if (!noise.empty()) executor.write_values(sampler_tensor::kPosteriorNoise, noise);
  executor.wait(stage->submit());
  return executor.read_values<float>(sampler_tensor::kClean);
}

// Mean and half the logarithm of the variance, in double, times the noise.
std::vector<double> expected_sample(const std::vector<float>& moments,
                                    const std::vector<double>& noise, double factor) {
  std::vector<double> clean;
  const std::size_t channels = kLatent.channels;
  for (std::size_t i = 0; i < kLatent.elements(); ++i) {
    const std::size_t from = (i / channels * 2 * channels + i % channels) % moments.size();
    const double logarithm = std::clamp(double(moments[from + channels]), -30.0, 20.0);
    clean.push_back((double(moments[from]) + std::exp(logarithm / 2) * noise[i]) * factor);
  }
  return clean;
}

TEST(SamplerOps, DrawALatentFromThePosterior) {
  for (const DType element : element_types()) {
    for (const std::uint32_t batch : {1u, kLatent.batch}) {
      const Shape shape{batch, kLatent.height, kLatent.width, 2 * kLatent.channels};
      const auto moments = numbers(shape.elements(), 8, 4.0f), noise = uploaded_noise(1);
      const float factor = 0.18215f;
      const auto none =
          sampled(element, shape, moments, {.noise = NoiseSource::none, .factor = factor}, {});
      const std::vector<double> zeros(kLatent.elements(), 0.0);
      expect_close(none, expected_sample(moments, zeros, double(factor)), DType::f32, 0x1p-24);
      const auto drawn = sampled(element, shape, moments,
                                 {.noise = NoiseSource::uploaded, .factor = factor}, noise);
      expect_close(drawn, expected_sample(moments, draw_of(noise, 0), double(factor)), DType::f32,
                   16 * 0x1p-24);
    }
  }
}

TEST(SamplerOps, DrawThePosteriorsNoiseFromTheSeed) {
  const Shape shape = kLatent.with_channels(2 * kLatent.channels);
  const std::vector<float> moments(shape.elements(), 0.0f);  // mean 0, deviation 1
  EXPECT_EQ(sampled(DType::f32, shape, moments, {.draw = 3}, {}),
            channels_last(host_noise(3), kLatent));
}

TEST(SamplerOps, ClampTheVarianceOfThePosterior) {
  Shape shape = kLatent.with_channels(2 * kLatent.channels);
  shape.batch = 1;
  std::vector<float> moments(shape.elements(), -1000.0f);
  const auto noise = uploaded_noise(1);
  const auto drawn = sampled(DType::f32, shape, moments, {.noise = NoiseSource::uploaded}, noise);
  for (const float value : drawn) EXPECT_NEAR(value, -1000.0f, 1e-4f);
  std::fill(moments.begin(), moments.end(), 1000.0f);
  expect_close(sampled(DType::f32, shape, moments, {.noise = NoiseSource::uploaded}, noise),
               expected_sample(moments, draw_of(noise, 0), 1.0), DType::f32, 0.5);
}

TEST(SamplerOps, GiveTheDecoderScaledLatents) {
  for (const DType element : element_types()) {
    Executor executor(device_under_test().device());
    Graph graph("decode", element);
    const SamplerState state = sampler_state(graph, {.latent = kLatent});
    graph.keep(to_float(decoder_input(state, 1.0f / 0.18215f)), "result", Traffic::host_reads);
    const auto stage = executor.prepare(compile(graph, executor.profile()));
    const auto slots = numbers(kSlots * kLatent.elements(), 4);
    executor.write_values(sampler_tensor::kSlots, slots);
    executor.wait(stage->submit());
    std::vector<double> expected;
    for (std::size_t i = 0; i < kLatent.elements(); ++i) {
      expected.push_back(double(slots[i]) / double(0.18215f));
    }
    expect_close(executor.read_values<float>("result"), expected, element, 8 * 0x1p-24);
  }
}

TEST(SamplerOps, RefuseAnOutputOfAnotherShape) {
  Graph graph("denoise", DType::f32);
  const SamplerState state = sampler_state(graph, {.latent = kLatent});
  Shape shape = kLatent;
  shape.batch = 3;
  EXPECT_THROW(apply_row(state, graph.persistent("three", shape, DType::f32)), Error);
  EXPECT_THROW(apply_row(state, graph.persistent("u32", kLatent, DType::u32)), Error);
  EXPECT_THROW(sample_posterior(state, graph.persistent("moments", kLatent, DType::f32), {}),
               Error);
  EXPECT_THROW(sampler_state(graph, {.latent = {0, 1, 1, 4}}), Error);
}

}  // namespace
}  // namespace kiln::test
