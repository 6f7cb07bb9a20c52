// Embeddings of token ids and of timesteps.
#include <algorithm>
#include <memory>

#include "kernels/timestep_embedding.h"
#include "kernels/token_embedding.h"
#include "runtime/ops/checks.h"
#include "runtime/ops/ops.h"
#include "runtime/ops/units.h"

namespace kiln {
namespace {

// Inputs: ids, table, positions. A table beyond the device's largest binding is read in parts, and
// each launch writes the tokens whose ids lie in its part.
class TokenEmbedding : public Op {
 public:
  std::string_view name() const override { return "token_embedding"; }

  void lower(Lowering& to) const override {
    const Shape shape = to.output_shape();
    const std::uint32_t width = unit_width(shape.channels);
    const auto units = std::uint32_t(shape.elements() / width);
    const auto vocabulary = std::uint32_t(to.dims(1)[0]);
    const std::uint64_t row_bytes = std::uint64_t(shape.channels) * size_bytes(to.element());
    const std::uint64_t limit =
        std::max<std::uint64_t>(to.device().max_binding_bytes / row_bytes, 1);
    const kernels::token_embedding::Constants constants{.quads = width == 4};
    for (std::uint32_t first = 0; first < vocabulary;) {
      const auto count = std::uint32_t(std::min<std::uint64_t>(vocabulary - first, limit));
      const Packing part{.layout = Packing::Layout::rows, .first = first, .count = count};
      const Operand table = touching(count == vocabulary ? to.input(1) : to.packed(1, part),
                                     to.shape(0).rows() * row_bytes);
      to.dispatch<kernels::token_embedding>(
          {to.input(0), table, to.input(2), to.output()},
          {.units = units,
           .channel_units = shape.channels / width,
           .tokens = shape.pixels(),
           .first = first,
           .count = count,
           .vocabulary = vocabulary},
          constants, grid_of<kernels::token_embedding>(to, units, constants));
      first += count;
    }
  }
};

class TimestepEmbedding : public Op {
 public:
  std::string_view name() const override { return "timestep_embedding"; }

  void lower(Lowering& to) const override {
    const auto count = std::uint32_t(to.shape(0).elements());
    const auto half = std::uint32_t(to.output_shape().elements() / count / 2);
    const kernels::timestep_embedding::Constants constants{};
    to.dispatch<kernels::timestep_embedding>(
        {to.input(0), to.output()}, {.count = count, .half_channels = half}, constants,
        grid_of<kernels::timestep_embedding>(to, std::uint64_t(count) * half, constants));
  }
};

constexpr std::uint32_t kMostTimestepChannels = 8192;  // exact_quotient of shaders/common/math.glsl

}  // namespace

Tensor token_embedding(Tensor ids, Tensor table, Tensor positions, std::string_view path) {
  const std::string place = place_of("token_embedding", path, ids);
  require_type(place, "ids", ids, DType::u32);
  require_element(place, "table", table);
  require_element(place, "positions", positions);
  Graph& graph = ids.graph();
  const Shape shape = ids.shape();
  const auto dims = [&](Tensor weight, std::string_view what) {
    const Value& value = graph.values()[weight.id()];
    if (value.kind != Value::Kind::weight) fail(place, "{} is no weight", what);
    const std::vector<std::int64_t>& extents = graph.weights()[value.weight].dims;
    if (extents.size() != 2 || extents[0] < 1 || extents[1] < 1) {
      fail(place, "{} is not [rows, channels]", what);
    }
    return extents;
  };
  const auto rows = dims(table, "table"), places = dims(positions, "positions");
  if (places[1] != rows[1]) {
    fail(place, "table has {} channels, positions have {}", rows[1], places[1]);
  }
  if (shape.channels != 1) fail(place, "ids are {}, expected one channel", to_text(shape));
  if (shape.pixels() > places[0]) {
    fail(place, "{} tokens, but positions for {}", shape.pixels(), places[0]);
  }
  return graph.record(std::make_unique<TokenEmbedding>(), {ids, table, positions},
                      shape.with_channels(std::uint32_t(rows[1])), graph.element(), path);
}

Tensor timestep_embedding(Tensor timestep, std::uint32_t channels, std::string_view path) {
  const std::string place = place_of("timestep_embedding", path, timestep);
  require_type(place, "timestep", timestep, DType::f32);
  if (channels == 0 || channels % 2 != 0 || channels > kMostTimestepChannels) {
    fail(place, "{} channels; expected an even number up to {}", channels, kMostTimestepChannels);
  }
  const Shape from = timestep.shape();
  if (from.height != 1 || from.width != 1) {
    fail(place, "timestep is {}, expected [batch, 1, 1, count]", to_text(from));
  }
  return timestep.graph().record(std::make_unique<TimestepEmbedding>(), {timestep},
                                 from.with_channels(from.channels * channels),
                                 timestep.graph().element(), path);
}

}  // namespace kiln
