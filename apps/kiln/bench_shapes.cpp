// Tables of the networks' shapes. Counts: diffusers' UNet2DConditionModel, AutoencoderKL and
// CLIPTextModel with the configs of Stable Diffusion 1.5 and SDXL base.
#include "apps/kiln/bench_shapes.h"

#include <utility>

namespace kiln::app {
namespace {

using Kind = BenchProblem::Kind;

constexpr std::uint32_t kTokens = 77;

// A level of a UNet is half as wide as the one before.
struct ConvRow {
  std::uint32_t level, inputs, outputs, count, stride = 1;
};
struct AttentionRow {
  std::uint32_t level, channels, heads, count;
};
struct NormRow {
  std::uint32_t level, channels, count;
  bool silu = true;
};
struct ConcatRow {
  std::uint32_t level, a, b, count;
};
struct Unet {
  std::uint32_t side, context;  // of the latents; channels of the text
  bool projects_by_convolution;
  std::span<const ConvRow> conv, skips;
  std::span<const AttentionRow> attention;  // count: of transformer layers
  std::span<const NormRow> norms;
  std::span<const ConcatRow> concats;
  std::span<const ConvRow> upsamples;         // level: before it
  std::span<const AttentionRow> projections;  // count: of transformers
};

constexpr ConvRow kSd15Conv[] = {
    {0, 4, 320, 1},      {0, 320, 320, 7},    {0, 320, 320, 1, 2}, {0, 640, 320, 2},
    {0, 960, 320, 1},    {0, 320, 4, 1},      {1, 320, 640, 1},    {1, 640, 640, 6},
    {1, 640, 640, 1, 2}, {1, 960, 640, 1},    {1, 1280, 640, 1},   {1, 1920, 640, 1},
    {2, 640, 1280, 1},   {2, 1280, 1280, 6},  {2, 1920, 1280, 1},  {2, 1280, 1280, 1, 2},
    {2, 2560, 1280, 2},  {3, 1280, 1280, 11}, {3, 2560, 1280, 3},
};
constexpr ConvRow kSd15Skips[] = {
    {0, 640, 320, 2},   {0, 960, 320, 1},   {1, 320, 640, 1},  {1, 960, 640, 1},
    {1, 1280, 640, 1},  {1, 1920, 640, 1},  {2, 640, 1280, 1}, {2, 1920, 1280, 1},
    {2, 2560, 1280, 2}, {3, 2560, 1280, 3},
};
constexpr AttentionRow kSd15Attention[] = {
    {0, 320, 8, 5}, {1, 640, 8, 5}, {2, 1280, 8, 5}, {3, 1280, 8, 1}};
constexpr NormRow kSd15Norms[] = {
    {0, 320, 8},         {0, 640, 2},  {0, 960, 1},         {0, 320, 5, false}, {1, 320, 1},
    {1, 640, 6},         {1, 960, 1},  {1, 1280, 1},        {1, 1920, 1},       {1, 640, 5, false},
    {2, 640, 1},         {2, 1280, 6}, {2, 1920, 1},        {2, 2560, 2},       {3, 1280, 11},
    {2, 1280, 5, false}, {3, 2560, 3}, {3, 1280, 1, false},
};
constexpr ConcatRow kSd15Concats[] = {
    {0, 320, 320, 2},  {0, 640, 320, 1},  {1, 640, 320, 1},   {1, 640, 640, 1},
    {1, 1280, 640, 1}, {2, 1280, 640, 1}, {2, 1280, 1280, 2}, {3, 1280, 1280, 3},
};
constexpr ConvRow kSd15Upsamples[] = {{1, 640, 640, 1}, {2, 1280, 1280, 1}, {3, 1280, 1280, 1}};

constexpr ConvRow kSdxlConv[] = {
    {0, 4, 320, 1},      {0, 320, 320, 7},    {0, 320, 320, 1, 2}, {0, 640, 320, 2},
    {0, 960, 320, 1},    {0, 320, 4, 1},      {1, 320, 640, 1},    {1, 640, 640, 6},
    {1, 640, 640, 1, 2}, {1, 960, 640, 1},    {1, 1280, 640, 1},   {1, 1920, 640, 1},
    {2, 640, 1280, 1},   {2, 1280, 1280, 10}, {2, 1920, 1280, 1},  {2, 2560, 1280, 2},
};
constexpr ConvRow kSdxlSkips[] = {
    {0, 640, 320, 2},  {0, 960, 320, 1},  {1, 320, 640, 1},   {1, 960, 640, 1},   {1, 1280, 640, 1},
    {1, 1920, 640, 1}, {2, 640, 1280, 1}, {2, 1920, 1280, 1}, {2, 2560, 1280, 2},
};
constexpr AttentionRow kSdxlAttention[] = {{1, 640, 10, 10}, {2, 1280, 20, 60}};
constexpr NormRow kSdxlNorms[] = {
    {0, 320, 8},        {0, 640, 2},  {0, 960, 1},  {1, 320, 1},         {1, 640, 6},
    {1, 960, 1},        {1, 1280, 1}, {1, 1920, 1}, {2, 640, 1},         {2, 1280, 10},
    {1, 640, 5, false}, {2, 1920, 1}, {2, 2560, 2}, {2, 1280, 6, false},
};
constexpr ConcatRow kSdxlConcats[] = {{0, 320, 320, 2},  {0, 640, 320, 1},  {1, 640, 320, 1},
                                      {1, 640, 640, 1},  {1, 1280, 640, 1}, {2, 1280, 640, 1},
                                      {2, 1280, 1280, 2}};
constexpr ConvRow kSdxlUpsamples[] = {{1, 640, 640, 1}, {2, 1280, 1280, 1}};
constexpr AttentionRow kSdxlProjections[] = {{1, 640, 10, 5}, {2, 1280, 20, 6}};

constexpr std::uint32_t kGuided = 2;  // images of a batch: without and with the prompt

class List {
 public:
  // Equal problems are one row.
  void add(BenchProblem problem, std::uint32_t count) {
    for (BenchShape& known : shapes) {
      if (known.problem.name() != problem.name()) continue;
      known.count += count;
      return;
    }
    shapes.push_back({std::move(problem), count});
  }
  std::vector<BenchShape> shapes;
};

BenchProblem upscaled_problem(Shape x, std::uint32_t outputs) {
  BenchProblem problem = conv_problem(x, outputs);
  problem.upscaled = true;
  return problem;
}

// One layer of a transformer: self-attention, cross-attention, feed-forward. Its q, k and v are
// three products on every device, so that lists compare, though most make one of them.
void add_transformer_layers(List& to, const AttentionRow& row, std::uint32_t side,
                            std::uint32_t context) {
  const std::uint32_t tokens = side * side, rows = kGuided * tokens, c = row.channels;
  const Shape sequence{kGuided, 1, tokens, c};
  to.add(linear_problem(rows, c, c), 6 * row.count);
  to.add(linear_problem(kGuided * kTokens, c, context), 2 * row.count);
  to.add(linear_problem(rows, 8 * c, c), row.count);
  to.add(linear_problem(rows, c, 4 * c), row.count);
  to.add(attention_problem(sequence, tokens, row.heads), row.count);
  to.add(attention_problem(sequence, kTokens, row.heads), row.count);
  to.add(norm_problem(Kind::layer_norm, {1, 1, rows, c}), 3 * row.count);
  to.add(elementwise_problem(Kind::geglu, {1, 1, rows, 8 * c}), row.count);
  to.add(elementwise_problem(Kind::add, sequence), 3 * row.count);
}

std::vector<BenchShape> unet_shapes(const Unet& unet) {
  List list;
  const auto square = [&](std::uint32_t level, std::uint32_t channels) -> Shape {
    return {kGuided, unet.side >> level, unet.side >> level, channels};
  };
  for (const ConvRow& row : unet.conv) {
    list.add(conv_problem(square(row.level, row.inputs), row.outputs, 3, row.stride), row.count);
  }
  for (const ConvRow& row : unet.skips) {
    list.add(conv_problem(square(row.level, row.inputs), row.outputs, 1), row.count);
  }
  for (const AttentionRow& row : unet.attention) {
    add_transformer_layers(list, row, unet.side >> row.level, unet.context);
  }
  for (const AttentionRow& row : unet.projections) {  // into and out of a transformer
    const Shape x = square(row.level, row.channels);
    list.add(unet.projects_by_convolution ? conv_problem(x, row.channels, 1)
                                          : linear_problem(x.rows(), row.channels, row.channels),
             2 * row.count);
  }
  for (const NormRow& row : unet.norms) {
    list.add(norm_problem(Kind::group_norm, square(row.level, row.channels), row.silu), row.count);
  }
  for (const ConcatRow& row : unet.concats) {
    list.add(elementwise_problem(Kind::concat, square(row.level, row.a), row.b), row.count);
  }
  for (const ConvRow& row : unet.upsamples) {
    list.add(upscaled_problem(square(row.level, row.inputs), row.outputs), row.count);
  }
  return std::move(list.shapes);
}

std::vector<BenchShape> sd15(std::uint32_t side) {
  return unet_shapes({.side = side,
                      .context = 768,
                      .projects_by_convolution = true,
                      .conv = kSd15Conv,
                      .skips = kSd15Skips,
                      .attention = kSd15Attention,
                      .norms = kSd15Norms,
                      .concats = kSd15Concats,
                      .upsamples = kSd15Upsamples,
                      .projections = kSd15Attention});
}

std::vector<BenchShape> sdxl(std::uint32_t side) {
  return unet_shapes({.side = side,
                      .context = 2048,
                      .projects_by_convolution = false,
                      .conv = kSdxlConv,
                      .skips = kSdxlSkips,
                      .attention = kSdxlAttention,
                      .norms = kSdxlNorms,
                      .concats = kSdxlConcats,
                      .upsamples = kSdxlUpsamples,
                      .projections = kSdxlProjections});
}

// A level here is twice as wide as the one before; level 0 is the latents'.
std::vector<BenchShape> vae(std::uint32_t side) {
  constexpr ConvRow kDecoder[] = {
      {0, 4, 512, 1},   {0, 512, 512, 10}, {1, 512, 512, 6}, {2, 512, 256, 1},
      {2, 256, 256, 5}, {3, 256, 128, 1},  {3, 128, 128, 5}, {3, 128, 3, 1},
  };
  constexpr ConvRow kEncoder[] = {
      {3, 3, 128, 1}, {2, 128, 256, 1}, {1, 256, 512, 1}, {0, 512, 8, 1}};
  constexpr ConvRow kEncoderStrided[] = {{3, 128, 128, 1}, {2, 256, 256, 1}, {1, 512, 512, 1}};
  constexpr ConvRow kSkips[] = {{2, 512, 256, 1}, {3, 256, 128, 1}};
  constexpr NormRow kNorms[] = {{0, 512, 10}, {0, 512, 1, false}, {1, 512, 6}, {2, 512, 1},
                                {2, 256, 5},  {3, 256, 1},        {3, 128, 6}};
  constexpr ConvRow kUpsamples[] = {{0, 512, 512, 1}, {1, 512, 512, 1}, {2, 256, 256, 1}};
  List list;
  const auto square = [&](std::uint32_t level, std::uint32_t channels) -> Shape {
    return {1, side << level, side << level, channels};
  };
  for (const auto& rows :
       {std::span<const ConvRow>(kDecoder), std::span<const ConvRow>(kEncoder)}) {
    for (const ConvRow& row : rows) {
      list.add(conv_problem(square(row.level, row.inputs), row.outputs), row.count);
    }
  }
  for (const ConvRow& row : kEncoderStrided) {
    BenchProblem problem = conv_problem(square(row.level, row.inputs), row.outputs, 3, 2);
    problem.pads_right_bottom = true;
    list.add(problem, row.count);
  }
  for (const ConvRow& row : kSkips) {
    list.add(conv_problem(square(row.level, row.inputs), row.outputs, 1), row.count);
  }
  list.add(linear_problem(side * side, 512, 512), 4);
  list.add(attention_problem({1, 1, side * side, 512}, side * side, 1), 1);
  for (const NormRow& row : kNorms) {
    list.add(norm_problem(Kind::group_norm, square(row.level, row.channels), row.silu), row.count);
  }
  for (const ConvRow& row : kUpsamples) {
    list.add(upscaled_problem(square(row.level, row.inputs), row.outputs), row.count);
  }
  return std::move(list.shapes);
}

std::vector<BenchShape> clip() {
  List list;
  const std::uint32_t rows = kGuided * kTokens;
  list.add(linear_problem(rows, 768, 768), 48);
  list.add(linear_problem(rows, 3072, 768), 12);
  list.add(linear_problem(rows, 768, 3072), 12);
  BenchProblem attention = attention_problem({kGuided, 1, kTokens, 768}, kTokens, 12);
  attention.causal = true;
  list.add(attention, 12);
  list.add(norm_problem(Kind::layer_norm, {1, 1, rows, 768}), 25);
  return std::move(list.shapes);
}

constexpr BenchSet kSets[] = {
    {"sd15-256", "UNet of Stable Diffusion 1.5, 256x256, guided", [] { return sd15(32); }},
    {"sd15-512", "UNet of Stable Diffusion 1.5, 512x512, guided", [] { return sd15(64); }},
    {"vae-256", "autoencoder, 256x256: decoder, and what only the encoder has",
     [] { return vae(32); }},
    {"vae-512", "autoencoder, 512x512: decoder, and what only the encoder has",
     [] { return vae(64); }, false},
    {"clip", "text encoder of Stable Diffusion 1.5, two prompts", clip},
    {"sdxl-1024", "UNet of SDXL, 1024x1024, guided", [] { return sdxl(128); }, false},
};

}  // namespace

std::span<const BenchSet> bench_sets() { return kSets; }

}  // namespace kiln::app
