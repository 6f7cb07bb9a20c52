// Problems from the names that people give them.
#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "apps/kiln/bench_shapes.h"
#include "runtime/base/error.h"

namespace kiln::app {
namespace {

using Kind = BenchProblem::Kind;

constexpr std::uint32_t kMostExtent = 1u << 24;      // rows of a picture of 4096x4096
constexpr std::uint64_t kMostElements = 1ull << 30;  // of an operand

// "2x64x64x320" to numbers; nothing unless each is a number from 1 to kMostExtent.
std::vector<std::uint32_t> numbers(std::string_view text) {
  std::vector<std::uint32_t> found;
  while (true) {
    std::uint32_t number = 0;
    const char* end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, number);
    if (read.ec != std::errc() || number == 0 || number > kMostExtent) return {};
    found.push_back(number);
    if (read.ptr == end) return found;
    if (*read.ptr != 'x') return {};
    text.remove_prefix(std::size_t(read.ptr - text.data()) + 1);
  }
}

// Takes a word off the end.
bool take(std::string_view& text, std::string_view end) {
  if (!text.ends_with(end)) return false;
  text.remove_suffix(end.size());
  return true;
}

std::optional<BenchProblem> convolution(std::string_view text) {
  const bool right_bottom = take(text, " right_bottom");
  const bool upscaled = take(text, " up2");
  const std::uint32_t stride = take(text, " s2") ? 2 : 1;
  const std::uint32_t kernel = take(text, " k1") ? 1 : 3;
  if (upscaled && (right_bottom || stride != 1 || kernel != 3)) return {};
  const std::size_t arrow = text.find("->");
  if (arrow == std::string_view::npos) return {};
  const auto x = numbers(text.substr(0, arrow)), outputs = numbers(text.substr(arrow + 2));
  if (x.size() != 4 || outputs.size() != 1) return {};
  BenchProblem problem = conv_problem({x[0], x[1], x[2], x[3]}, outputs[0], kernel, stride);
  problem.pads_right_bottom = right_bottom;
  problem.upscaled = upscaled;
  return problem;
}

std::optional<BenchProblem> matmul(std::string_view text) {
  if (text.ends_with(" k1")) return convolution(text);
  const auto extents = numbers(text);
  if (extents.size() == 3) return linear_problem(extents[0], extents[1], extents[2]);
  return {};
}

std::optional<BenchProblem> attention(std::string_view text) {
  const bool causal = take(text, " causal");
  const auto of = numbers(text);
  if (of.size() != 5 || std::uint64_t(of[1]) * of[4] > kMostExtent) return {};
  BenchProblem problem = attention_problem({of[0], 1, of[2], of[1] * of[4]}, of[3], of[1]);
  problem.causal = causal;
  return problem;
}

std::optional<BenchProblem> norm(std::string_view text) {
  const bool silu = take(text, " silu");
  const bool group = text.starts_with("group_norm "), layer = text.starts_with("layer_norm ");
  if (!group && (!layer || silu)) return {};
  const auto x = numbers(text.substr(text.find(' ') + 1));
  if (x.size() != 4 || (group && x[3] % 32 != 0)) return {};
  return norm_problem(group ? Kind::group_norm : Kind::layer_norm, {x[0], x[1], x[2], x[3]}, silu);
}

std::optional<BenchProblem> elementwise(std::string_view text) {
  constexpr std::pair<std::string_view, Kind> kWords[] = {{"geglu ", Kind::geglu},
                                                          {"silu ", Kind::silu},
                                                          {"add ", Kind::add},
                                                          {"upsample ", Kind::upsample}};
  if (text.starts_with("concat ")) {
    const std::size_t plus = text.find('+');
    if (plus == std::string_view::npos) return {};
    const auto x = numbers(text.substr(7, plus - 7)), other = numbers(text.substr(plus + 1));
    if (x.size() != 4 || other.size() != 1) return {};
    return elementwise_problem(Kind::concat, {x[0], x[1], x[2], x[3]}, other[0]);
  }
  for (const auto& [word, kind] : kWords) {
    if (!text.starts_with(word)) continue;
    const auto x = numbers(text.substr(word.size()));
    if (x.size() != 4 || (kind == Kind::geglu && x[3] % 2 != 0)) return {};
    return elementwise_problem(kind, {x[0], x[1], x[2], x[3]});
  }
  return {};
}

struct Form {
  std::string_view group;
  std::optional<BenchProblem> (*parse)(std::string_view text);
  std::string_view expected;
};
constexpr Form kForms[] = {
    {"matmul", matmul, "ROWSxOUTPUTSxINPUTS, such as 8192x320x2880, or 2x64x64x640->320 k1"},
    {"conv", convolution,
     "IMAGESxHEIGHTxWIDTHxCHANNELS->OUTPUTS, such as 2x64x64x320->320, with s2 or up2 behind it"},
    {"attention", attention, "IMAGESxHEADSxQUERIESxKEYSxSIZE, such as 2x8x4096x77x40"},
    {"norm", norm, "group_norm 2x64x64x320 silu, or layer_norm 1x1x8192x320"},
    {"elementwise", elementwise, "geglu 1x1x64x2560, silu, add, upsample or concat 1x8x8x64+32"},
};

// Every operand fits into memory that machines have.
bool reasonable(const BenchProblem& problem) {
  bool fine = problem.output().elements() <= kMostElements;
  for (const Shape& input : problem.inputs) {
    fine = fine && std::uint64_t(input.batch) * input.height <= kMostExtent &&
           std::uint64_t(input.batch) * input.height * input.width <= kMostElements &&
           input.elements() <= kMostElements;
  }
  for (const auto& weight : problem.weights) {
    std::uint64_t elements = 1;
    for (const std::int64_t extent : weight) elements *= std::uint64_t(extent);
    fine = fine && elements <= kMostElements;
  }
  return fine;
}

}  // namespace

BenchProblem problem_from_name(std::string_view group, const std::string& name) {
  for (const Form& form : kForms) {
    if (form.group != group) continue;
    std::optional<BenchProblem> problem = form.parse(name);
    if (!problem) fail_usage("--shape", "is '{}', expected {}", name, form.expected);
    if (!reasonable(*problem)) {
      fail_usage("--shape", "'{}' has an operand of more than {} elements", name, kMostElements);
    }
    return *problem;
  }
  fail_usage("--only", "is '{}', expected matmul, conv, attention, norm or elementwise", group);
}

}  // namespace kiln::app
