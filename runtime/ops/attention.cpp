// Multi-head attention.
#include <memory>

#include "runtime/ops/attention_candidates.h"
#include "runtime/ops/checks.h"
#include "runtime/ops/ops.h"

namespace kiln {
namespace {

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
    const Shape q = to.shape(0);
    lower_attention(to, {.images = q.batch,
                         .queries = q.pixels(),
                         .keys = to.shape(1).pixels(),
                         .heads = heads_,
                         .head = q.channels / heads_,
                         .causal = causal_});
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
