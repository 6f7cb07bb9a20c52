// Each network alone, with what the stage before it would deliver replaced by hashed numbers.
#include "models/tapes/network_tapes.h"

#include "models/clip/text_encoder.h"
#include "models/unet/unet.h"
#include "models/vae/autoencoder.h"
#include "runtime/base/error.h"
#include "runtime/ops/ops.h"
#include "runtime/reference/numbers.h"

namespace kiln {
namespace {

reference::Numbers hashed(const Shape& shape, std::uint32_t seed, float scale) {
  const std::vector<float> values = reference::numbers(shape.elements(), seed, scale);
  return {values.begin(), values.end()};
}

// record(graph, weights), then a list of everything the model lacks.
template <typename Record>
auto checked(const Model& model, Record record) {
  return [&model, record](Graph& graph) {
    const auto report = std::make_shared<WeightReport>();
    record(graph, Weights(model.weights, report));
    report->check(model.path);
  };
}

Tape text_tape(const Model& model, DType element) {
  const Shape ids{1, 1, model.text.positions, 1};
  Tape tape{.name = "text", .element = element};
  for (std::uint32_t i = 0; i < ids.width; ++i) {
    tape.inputs["text.ids"].push_back(double(std::uint64_t(i) * 7919 % model.text.vocabulary));
  }
  tape.record = checked(model, [&model, ids](Graph& graph, const Weights& weights) {
    const Tensor in = graph.persistent("text.ids", ids, DType::u32, Traffic::host_writes);
    graph.keep(text_encoder(in, model.text, weights["text_encoder"]), "text.result",
               Traffic::host_reads);
  });
  return tape;
}

Tape unet_tape(const Model& model, DType element, const Shape& latent) {
  const Shape context{latent.batch, 1, model.text.positions, model.unet.context_channels};
  const Shape input = latent.with_channels(model.unet.in_channels);
  Tape tape{.name = "unet", .element = element};
  tape.inputs = {{"unet.latent", hashed(input, 1, 2.0f)},
                 {"unet.context", hashed(context, 2, 2.0f)},
                 {"unet.timestep", {481.0}}};
  tape.record = checked(model, [&model, input, context](Graph& graph, const Weights& weights) {
    const auto in = [&](const char* name, Shape shape, DType type) {
      return graph.persistent(name, shape, type, Traffic::host_writes);
    };
    const Tensor y = unet(
        in("unet.latent", input, graph.element()), in("unet.timestep", {1, 1, 1, 1}, DType::f32),
        in("unet.context", context, graph.element()), model.unet, weights["unet"]);
    graph.keep(y, "unet.result", Traffic::host_reads);
  });
  return tape;
}

Tape decode_tape(const Model& model, DType element, Shape latent) {
  latent.batch = 1;
  Tape tape{.name = "decode", .element = element};
  tape.inputs = {{"decode.latent", hashed(latent, 3, 4.0f)}};
  tape.record = checked(model, [&model, latent](Graph& graph, const Weights& weights) {
    const Tensor in =
        graph.persistent("decode.latent", latent, graph.element(), Traffic::host_writes);
    const Tensor pixels = vae_decode(in, model.vae, weights["vae"]);
    graph.keep(to_rgb8(pixels, "decode.to_rgb8"), "decode.picture", Traffic::host_reads);
  });
  return tape;
}

}  // namespace

std::vector<Tape> network_tapes(const Model& model, DType element, const NetworkSize& size) {
  const std::uint32_t scale = model.vae.downscale();
  if (size.width < scale || size.height < scale || size.width % scale != 0 ||
      size.height % scale != 0) {
    fail_usage("size", "is {} x {}, expected multiples of {}", size.width, size.height, scale);
  }
  const Shape latent{size.images, size.height / scale, size.width / scale,
                     model.vae.latent_channels};
  return {text_tape(model, element), unet_tape(model, element, latent),
          decode_tape(model, element, latent)};
}

}  // namespace kiln
