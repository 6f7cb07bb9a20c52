// Multi-head attention.
#include <algorithm>
#include <cmath>
#include <memory>

#include "kernels/attention.h"
#include "runtime/base/align.h"
#include "runtime/graph/lowering.h"
#include "runtime/ops/checks.h"
#include "runtime/ops/ops.h"
#include "runtime/ops/tuning.h"

namespace kiln {
namespace {

// Turns of the kernel's loops over `keys` keys: those of four keys, and their pieces of a head.
std::uint64_t loop_turns(std::uint32_t keys, std::uint32_t head) {
  const std::uint64_t pieces = divide_up(divide_up(head, 4), 8);
  return divide_up(keys, 4) * (pieces > 1 ? 1 + 2 * pieces : 1) + 2 * divide_up(head, 4);
}

class Attention : public Op {
 public:
  Attention(std::uint32_t heads, bool causal) : heads_(heads), causal_(causal) {}

  std::string_view name() const override { return "attention"; }
  std::string details() const override {
    return fmt::format("heads {}{}", heads_, causal_ ? " causal" : "");
  }

  std::vector<Parameter> parameters() const override {
    return {{"heads", double(heads_)}, {"causal", double(causal_)}};
  }

  void lower(Lowering& to) const override {
    const Shape q = to.shape(0), k = to.shape(1);
    const std::uint32_t head = q.channels / heads_;
    const std::uint32_t width = attention_workgroup(to.device());
    const std::uint32_t queries = q.pixels(), keys = k.pixels();
    to.require_turns(loop_turns(keys, head));
    const std::uint64_t flops_a_query = 4ull * keys * q.channels * q.batch;
    const std::uint64_t most =
        std::max<std::uint64_t>(to.device().max_dispatch_flops / (flops_a_query * width), 1);
    for (std::uint32_t first = 0; first < queries;) {
      const auto groups = std::uint32_t(std::min(
          {divide_up(queries - first, width), most, std::uint64_t(to.device().max_grid[0])}));
      const std::uint32_t count = std::min(queries - first, groups * width);
      to.dispatch<kernels::attention>({to.input(0), to.input(1), to.input(2), to.output()},
                                      {.queries = queries,
                                       .keys = keys,
                                       .heads = heads_,
                                       .first_query = first,
                                       .causal = causal_,
                                       .scale = 1.0f / std::sqrt(float(head))},
                                      {.workgroup = width, .head = head, .vector = head % 4 == 0},
                                      Grid{groups, heads_, q.batch}, count * flops_a_query);
      first += groups * width;
    }
  }

 private:
  std::uint32_t heads_;
  bool causal_;
};

}  // namespace

Tensor attention(Tensor q, Tensor k, Tensor v, std::uint32_t heads, bool causal,
                 std::string_view path) {
  const std::string place = place_of("attention", path, q);
  require_element(place, "q", q);
  require_element(place, "k", k);
  require_element(place, "v", v);
  if (heads == 0 || q.channels() % heads != 0) {
    fail(place, "{} channels cannot be split into {} heads", q.channels(), heads);
  }
  if (k.shape() != v.shape() || k.channels() != q.channels() ||
      k.shape().batch != q.shape().batch) {
    fail(place, "q is {}, k is {}, v is {}: batch and channels must agree, k and v be alike",
         to_text(q.shape()), to_text(k.shape()), to_text(v.shape()));
  }
  return q.graph().record(std::make_unique<Attention>(heads, causal), {q, k, v}, q.shape(),
                          q.dtype(), path);
}

}  // namespace kiln
