// Each case records its operation on operands made by an integer hash.
#include "runtime/verification/known_answers.h"

#include <fmt/format.h>

#include <cstring>

#include "runtime/ops/ops.h"
#include "runtime/reference/cases/attention.h"
#include "runtime/reference/cases/norms.h"
#include "runtime/reference/cases/products.h"
#include "runtime/reference/numbers.h"

namespace kiln {
namespace {

using reference::numbers;

// Makes the operands of one recording; their contents depend only on their order and shape.
class Operands {
 public:
  Operands(Graph& graph, std::map<std::string, reference::Numbers>& inputs)
      : graph_(graph), inputs_(inputs) {}

  Tensor input(Shape shape, float scale = 1.0f) { return input(shape, scale, graph_.element()); }
  Tensor input_f32(Shape shape, float scale = 1.0f) { return input(shape, scale, DType::f32); }

  Tensor ids(Shape shape, std::uint32_t vocabulary) {
    reference::Numbers values(shape.elements());
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = double(i * 7919 % vocabulary);
    values.front() = vocabulary;  // beyond the table
    return written(shape, DType::u32, std::move(values));
  }

  Tensor weight(std::vector<std::int64_t> dims, float scale = 1.0f) {
    std::size_t count = 1;
    for (const std::int64_t extent : dims) count *= std::size_t(extent);
    const std::uint32_t seed = ++seed_;
    // Equal names are one upload: the name tells everything the numbers depend on.
    const std::string name = fmt::format("known.{}.{}.{}", fmt::join(dims, "x"), seed, scale);
    return graph_.constant({.name = name,
                            .dims = std::move(dims),
                            .dtype = DType::f32,
                            .read = [count, seed, scale](std::span<std::byte> out) {
                              const std::vector<float> values = numbers(count, seed, scale);
                              std::memcpy(out.data(), values.data(), out.size());
                            }});
  }

 private:
  Tensor input(Shape shape, float scale, DType type) {
    const std::vector<float> values = numbers(shape.elements(), ++seed_, scale);
    return written(shape, type, {values.begin(), values.end()});
  }

  Tensor written(Shape shape, DType type, reference::Numbers values) {
    const std::string name = fmt::format("input.{}", inputs_.size());
    inputs_[name] = std::move(values);
    return graph_.persistent(name, shape, type, Traffic::host_writes);
  }

  Graph& graph_;
  std::map<std::string, reference::Numbers>& inputs_;
  std::uint32_t seed_ = 0;
};

constexpr float kWeightScale = 0.0625f;

class Cases {
 public:
  explicit Cases(DType element) : element_(element) {}

  // record: from operands to the result.
  template <typename Record>
  void add(std::string name, Record record) {
    Tape tape{.name = std::move(name), .element = element_};
    tape.record = [record](Graph& graph) {
      std::map<std::string, reference::Numbers> inputs;
      Operands operands(graph, inputs);
      graph.keep(record(operands), "result", Traffic::host_reads);
    };
    Graph once("known", element_);
    Operands operands(once, tape.inputs);
    record(operands);
    tapes.push_back(std::move(tape));
  }

  std::vector<Tape> tapes;

 private:
  DType element_;
};

void add_linear(Cases& to, const cases::LinearCase& of) {
  to.add("linear " + cases::to_text(of), [of](Operands& operands) {
    const Tensor x = operands.input({1, 1, of.rows, of.inputs});
    const Tensor weight = operands.weight({of.outputs, of.inputs}, kWeightScale);
    return linear(x, weight, of.has_bias ? operands.weight({of.outputs}) : Tensor{}, "linear");
  });
}

// upscale: of x before it, 1 or 2.
void add_convolution(Cases& to, const cases::ConvCase& of, std::uint32_t upscale = 1) {
  const std::string before = upscale > 1 ? "upsample_nearest, " : "";
  to.add(before + "conv2d " + cases::to_text(of), [of, upscale](Operands& operands) {
    Tensor x = operands.input(of.x);
    if (upscale > 1) {
      x = upsample_nearest(x, of.x.height * upscale, of.x.width * upscale, "upsample");
    }
    const Tensor weight =
        operands.weight({of.outputs, of.x.channels, of.kernel, of.kernel}, kWeightScale);
    return conv2d(x, weight, of.has_bias ? operands.weight({of.outputs}) : Tensor{}, of.how,
                  "conv2d");
  });
}

// Products with what they take over from their consumer.
void add_fused_products(Cases& to) {
  const auto product = [](Operands& operands) {
    const Tensor x = operands.input({2, 8, 8, 64});
    const Tensor weight = operands.weight({96, 64, 3, 3}, kWeightScale);
    return conv2d(x, weight, operands.weight({96}), {}, "conv2d");
  };
  to.add("conv2d, silu", [=](Operands& operands) { return silu(product(operands)); });
  to.add("conv2d, gelu", [=](Operands& operands) { return gelu(product(operands)); });
  to.add("conv2d, quick_gelu", [=](Operands& operands) { return quick_gelu(product(operands)); });
  to.add("conv2d, add", [=](Operands& operands) {
    const Tensor y = product(operands);
    return y + operands.input({2, 8, 8, 96});
  });
  to.add("conv2d, add to every pixel, silu", [=](Operands& operands) {
    const Tensor y = product(operands);
    return silu(y + operands.input({2, 1, 1, 96}));
  });
}

void add_attention(Cases& to, const cases::AttentionCase& of) {
  to.add("attention " + cases::to_text(of), [of](Operands& operands) {
    const std::uint32_t channels = of.heads * of.head_size;
    const Tensor q = operands.input({of.batch, 1, of.queries, channels}, 2.0f);
    const Tensor k = operands.input({of.batch, 1, of.keys, channels}, 2.0f);
    const Tensor v = operands.input({of.batch, 1, of.keys, channels});
    return attention(q, k, v, of.heads, of.causal, "attention");
  });
  if (of.queries != of.keys) return;
  to.add("self_attention " + cases::to_text(of), [of](Operands& operands) {
    const Tensor qkv = operands.input({of.batch, 1, of.queries, 3 * of.heads * of.head_size}, 2.0f);
    return self_attention(qkv, of.heads, of.causal, "self_attention");
  });
}

void add_norms(Cases& to) {
  for (const cases::GroupNormCase& of : cases::kGroupNorm) {
    for (const bool with_silu : {false, true}) {
      const std::string name = fmt::format("group_norm {} in {}{}", to_text(of.shape), of.groups,
                                           with_silu ? ", silu" : "");
      to.add(name, [of, with_silu](Operands& operands) {
        const Tensor x = operands.input(of.shape);
        const Tensor scale = operands.weight({of.shape.channels});
        const Tensor shift = operands.weight({of.shape.channels});
        const Tensor y = group_norm(x, scale, shift, of.groups, 1e-5f, "group_norm");
        return with_silu ? silu(y) : y;
      });
    }
  }
  for (const Shape shape : cases::kLayerNorm) {
    to.add("layer_norm " + to_text(shape), [shape](Operands& operands) {
      const Tensor x = operands.input(shape);
      const Tensor scale = operands.weight({shape.channels});
      return layer_norm(x, scale, operands.weight({shape.channels}), 1e-5f, "layer_norm");
    });
  }
}

void add_elementwise(Cases& to, Shape shape) {
  const std::string of = " " + to_text(shape);
  to.add("silu" + of, [shape](Operands& in) { return silu(in.input(shape, 8.0f), "silu"); });
  to.add("gelu" + of, [shape](Operands& in) { return gelu(in.input(shape, 8.0f), "gelu"); });
  to.add("quick_gelu" + of,
         [shape](Operands& in) { return quick_gelu(in.input(shape, 8.0f), "quick_gelu"); });
  to.add("scale" + of, [shape](Operands& in) { return scale(in.input(shape), 0.18215f, "scale"); });
  to.add("add" + of, [shape](Operands& in) {
    const Tensor a = in.input(shape);
    return add(a, in.input(shape), "add");
  });
  to.add("add" + of + " to every pixel", [shape](Operands& in) {
    const Tensor a = in.input(shape);
    return add(a, in.input({shape.batch, 1, 1, shape.channels}), "add");
  });
  to.add("geglu" + of, [shape](Operands& in) {
    return geglu(in.input(shape.with_channels(2 * shape.channels), 4.0f), "geglu");
  });
  to.add("concat" + of, [shape](Operands& in) {
    const Tensor a = in.input(shape);
    return concat(a, in.input(shape.with_channels(shape.channels + 4)), "concat");
  });
  to.add("slice_channels" + of, [shape](Operands& in) {
    return slice_channels(in.input(shape.with_channels(3 * shape.channels)), shape.channels,
                          shape.channels, "slice_channels");
  });
  to.add("join_images" + of, [shape](Operands& in) {
    const Tensor a = in.input(shape);
    return join_images(a, in.input({1, shape.height, shape.width, shape.channels}), "join_images");
  });
  to.add("slice_images" + of, [shape](Operands& in) {
    const Tensor x = in.input({shape.batch + 2, shape.height, shape.width, shape.channels});
    return slice_images(x, 1, shape.batch, "slice_images");
  });
  to.add("upsample_nearest" + of, [shape](Operands& in) {
    return upsample_nearest(in.input(shape), 2 * shape.height, 2 * shape.width + 1, "upsample");
  });
}

void add_conversions(Cases& to) {
  for (const Shape shape : {Shape{1, 32, 24, 3}, Shape{2, 5, 7, 3}}) {
    const std::string of = " " + to_text(shape);
    to.add("to_rgb8" + of, [shape](Operands& in) { return to_rgb8(in.input(shape, 2.0f), "rgb"); });
    to.add("to_rgb8 of float32" + of,
           [shape](Operands& in) { return to_rgb8(in.input_f32(shape, 2.0f), "rgb"); });
    to.add("to_element" + of,
           [shape](Operands& in) { return to_element(in.input_f32(shape, 3.3f), "to_element"); });
    to.add("to_float" + of,
           [shape](Operands& in) { return to_float(in.input(shape), "to_float"); });
  }
}

void add_embeddings(Cases& to) {
  for (const std::uint32_t channels : {320u, 14u}) {
    to.add(fmt::format("timestep_embedding {}", channels), [channels](Operands& in) {
      return timestep_embedding(in.input_f32({5, 1, 1, 1}, 1024.0f), channels, "timestep");
    });
  }
  for (const std::uint32_t channels : {768u, 13u}) {
    to.add(fmt::format("token_embedding {}", channels), [channels](Operands& in) {
      const Tensor ids = in.ids({2, 1, 77, 1}, 1000);
      const Tensor table = in.weight({1000, channels});
      return token_embedding(ids, table, in.weight({77, channels}), "tokens");
    });
  }
}

}  // namespace

std::vector<Tape> known_answers(DType element) {
  Cases to(element);
  for (const cases::LinearCase& of : cases::kLinear) add_linear(to, of);
  for (const cases::ConvCase& of : cases::kConv) add_convolution(to, of);
  for (const cases::ConvCase& of : cases::kUpscaledConv) add_convolution(to, of, 2);
  add_fused_products(to);
  for (const cases::AttentionCase& of : cases::kAttention) add_attention(to, of);
  add_norms(to);
  add_elementwise(to, {2, 9, 8, 64});
  add_elementwise(to, {3, 7, 5, 13});
  add_conversions(to);
  add_embeddings(to);
  return std::move(to.tapes);
}

}  // namespace kiln
