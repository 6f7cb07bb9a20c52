// Multi-head attention, of three tensors or of one.
#include <memory>

#include "runtime/ops/attention_candidates.h"
#include "runtime/ops/checks.h"
#include "runtime/ops/ops.h"

namespace kiln {
namespace {

using Operands = AttentionProblem::Operands;

class Attention : public Op {
 public:
  Attention(std::uint32_t heads, bool causal, Operands operands)
      : heads_(heads), causal_(causal), operands_(operands) {}

  std::string_view name() const override {
    return operands_ == Operands::stacked ? "self_attention" : "attention";
  }
  std::string details() const override {
    return fmt::format("heads {}{}", heads_, causal_ ? " causal" : "");
  }

  std::vector<Parameter> parameters() const override {
    return {{"heads", double(heads_)}, {"causal", double(causal_)}};
  }

  void lower(Lowering& to) const override {
    const Shape& y = to.output_shape();
    lower_attention(to, {.images = y.batch,
                         .queries = y.pixels(),
                         .keys = to.shape(operands_ == Operands::stacked ? 0 : 1).pixels(),
                         .heads = heads_,
                         .head = y.channels / heads_,
                         .causal = causal_,
                         .operands = operands_});
  }

 private:
  std::uint32_t heads_;
  bool causal_;
  Operands operands_;
};

void require_heads(std::string_view place, std::uint32_t channels, std::uint32_t heads) {
  if (heads == 0 || channels % heads != 0) {
    fail(place, "{} channels cannot be split into {} heads", channels, heads);
  }
}

}  // namespace

Tensor attention(Tensor q, Tensor k, Tensor v, std::uint32_t heads, bool causal,
                 std::string_view path) {
  const std::string place = place_of("attention", path, q);
  require_element(place, "q", q);
  require_element(place, "k", k);
  require_element(place, "v", v);
  require_heads(place, q.channels(), heads);
  if (k.shape() != v.shape() || k.channels() != q.channels() ||
      k.shape().batch != q.shape().batch) {
    fail(place, "q is {}, k is {}, v is {}: batch and channels must agree, k and v be alike",
         to_text(q.shape()), to_text(k.shape()), to_text(v.shape()));
  }
  return q.graph().record(std::make_unique<Attention>(heads, causal, Operands::apart), {q, k, v},
                          q.shape(), q.dtype(), path);
}

Tensor self_attention(Tensor qkv, std::uint32_t heads, bool causal, std::string_view path) {
  const std::string place = place_of("self_attention", path, qkv);
  require_element(place, "qkv", qkv);
  Shape shape = qkv.shape();
  if (shape.channels % 3 != 0) {
    fail(place, "qkv is {}: its channels are not those of q, k and v", to_text(shape));
  }
  shape.channels /= 3;
  require_heads(place, shape.channels, heads);
  return qkv.graph().record(std::make_unique<Attention>(heads, causal, Operands::stacked), {qkv},
                            shape, qkv.dtype(), path);
}

}  // namespace kiln
