// Text encoder, UNet and autoencoder, module by module, against golden tensors.
#include <algorithm>
#include <cmath>
#include <set>

#include "apps/kiln/tape_run.h"
#include "apps/kiln/verify.h"
#include "models/clip/text_encoder.h"
#include "models/pipeline/host_data.h"
#include "models/pipeline/parts.h"
#include "models/unet/unet.h"
#include "models/vae/autoencoder.h"
#include "runtime/base/error.h"
#include "runtime/weights/json_text.h"

namespace kiln::app {
namespace {

// Extents as PyTorch writes them, [n, c, h, w] or [n, tokens, c], as a channels-last shape.
Shape shape_of(const std::vector<std::int64_t>& dims) {
  const auto extent = [&](std::size_t i) { return std::uint32_t(dims.at(i)); };
  if (dims.size() == 4) return {extent(0), extent(2), extent(3), extent(1)};
  if (dims.size() == 3) return {extent(0), 1, extent(1), extent(2)};
  return {extent(0), 1, 1, dims.size() > 1 ? extent(1) : 1};
}

}  // namespace

Moments split_moments(const std::vector<float>& values, const Shape& shape) {
  const Shape half = shape.with_channels(shape.channels / 2);
  std::vector<float> mean, log_variance;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i % shape.channels < half.channels) {
      mean.push_back(values[i]);
    } else {
      log_variance.push_back(std::clamp(values[i], -30.0f, 20.0f));
    }
  }
  return {to_channels_first(mean, half), to_channels_first(log_variance, half)};
}

namespace {

class NetworkCheck {
 public:
  NetworkCheck(const VerifyOptions& options, Pipeline& pipeline, const GoldenFolder& golden,
               Report& report)
      : options_(options),
        parts_(PipelineAccess::parts(pipeline)),
        golden_(golden),
        report_(report),
        weights_(parts_.model.weights, std::make_shared<WeightReport>()) {}

  void tokens(const std::filesystem::path& file) {
    int number = 0;
    for (const nlohmann::json& entry : read_json(file)) {
      const std::string prompt = entry["prompt"];
      const auto got = parts_.model.tokenizer.encode_padded(prompt, 77, parts_.model.pad_id).ids;
      Comparison result{.name = fmt::format("tokens/{}", number++), .note = {}};
      result.passed = got == entry["ids"].get<std::vector<std::uint32_t>>() ||
                      (entry.contains("ids_openai_original") &&
                       got == entry["ids_openai_original"].get<std::vector<std::uint32_t>>());
      if (!result.passed) result.note = "other ids for " + entry["prompt"].dump();
      report_.comparisons.push_back(result);
    }
  }

  void text() {
    const Shape ids = {std::uint32_t(golden_.dims("text/ids").at(0)), 1,
                       std::uint32_t(golden_.dims("text/ids").at(1)), 1};
    const auto encode = [&](std::uint32_t skip, bool final_norm, bool watched) {
      return run_tape(
          parts_.executor, parts_.element, {{ids, DType::u32, golden_.values("text/ids")}},
          [&](Graph&, const std::vector<Tensor>& in) {
            return text_encoder(in[0], parts_.model.text, weights_["text_encoder"], skip,
                                final_norm);
          },
          [=](std::string_view path) { return watched && path.find("hidden_") != path.npos; });
    };
    const std::vector<TapeOutput> outputs = encode(0, true, true);
    check("text/last", outputs[0]);
    for (std::size_t i = 1; i < outputs.size(); ++i) {
      const std::string& path = outputs[i].path;
      check("text/" + path.substr(path.rfind('.') + 1), outputs[i]);
    }
    check("text/penultimate_no_ln", encode(1, false, false)[0]);
    if (golden_.has("text/clip_skip_1")) check("text/clip_skip_1", encode(1, true, false)[0]);
    pooled(outputs[0]);
  }

  // Rows of golden text embeddings, as a context.
  std::vector<float> context_of(const GoldenFolder& golden, const std::vector<float>& rows) const {
    std::vector<float> context;
    const std::vector<float> last = golden.values("text/last");
    const std::size_t row = parts_.model.text.positions * parts_.model.text.channels;
    for (const float index : rows) {
      const auto begin = last.begin() + std::ptrdiff_t(std::size_t(index) * row);
      context.insert(context.end(), begin, begin + std::ptrdiff_t(row));
    }
    return context;
  }

  // One UNet call of the golden tensors "<prefix>sample" and "<prefix>t". output: the tensor to
  // compare with; empty: every module's output instead.
  void unet_call(const std::string& prefix, const std::string& output,
                 const std::vector<float>& context) {
    const std::vector<float> timesteps = golden_.values(prefix + "t");
    const Shape sample = shape_of(golden_.dims(prefix + "sample"));
    const std::vector<TapeInput> inputs = {
        {sample, parts_.element, to_channels_last(golden_.values(prefix + "sample"), sample)},
        {{std::uint32_t(timesteps.size()), 1, 1, 1}, DType::f32, timesteps},
        {{sample.batch, 1, parts_.model.text.positions, parts_.model.text.channels},
         parts_.element,
         context}};
    const auto outputs = run_tape(
        parts_.executor, parts_.element, inputs,
        [&](Graph&, const std::vector<Tensor>& in) {
          return unet(in[0], in[1], in[2], parts_.model.unet, weights_["unet"]);
        },
        [&](std::string_view path) { return output.empty() && watched("unet", path); });
    if (!output.empty()) return check(output, outputs[0]);
    check_taps("unet", outputs);
  }

  void unet_calls() {
    std::set<std::string> cases;
    for (const std::string& name : golden_.names()) {
      if (name.starts_with("unet/") && name.ends_with("/context_rows")) {
        cases.insert(name.substr(0, name.rfind('/') + 1));
      }
    }
    for (const std::string& prefix : cases) {
      unet_call(prefix, prefix + "out",
                context_of(golden_, golden_.values(prefix + "context_rows")));
    }
    if (golden_.has("unet/act/sample")) {
      const float row = parts_.model.family == "sd2" ? 3.0f : 0.0f;
      unet_call("unet/act/", "", context_of(golden_, {row}));
    }
  }

  TapeOutput encode(const std::string& name, bool taps) {
    const Shape shape = shape_of(golden_.dims(name));
    return encode(shape, to_channels_last(golden_.values(name), shape), taps);
  }

  TapeOutput encode(const Shape& shape, const std::vector<float>& image, bool taps) {
    auto outputs = run_tape(
        parts_.executor, parts_.element, {{shape, parts_.element, image}},
        [&](Graph&, const std::vector<Tensor>& in) {
          return vae_encode(in[0], parts_.model.vae, weights_["vae"]);
        },
        [&](std::string_view path) { return taps && watched("vae", path); });
    if (taps) check_taps("vae", outputs);
    return outputs[0];
  }

  TapeOutput decode(const std::string& name, bool taps) {
    const Shape shape = shape_of(golden_.dims(name));
    auto outputs = run_tape(
        parts_.executor, parts_.element,
        {{shape, parts_.element, to_channels_last(golden_.values(name), shape)}},
        [&](Graph&, const std::vector<Tensor>& in) {
          return vae_decode(in[0], parts_.model.vae, weights_["vae"]);
        },
        [&](std::string_view path) { return taps && watched("vae", path); });
    if (taps) check_taps("vae", outputs);
    return outputs[0];
  }

  void autoencoder() {
    moments(encode("vae/image", false));
    check("vae/decoded", decode("vae/z", false));
    if (golden_.has("vae/act/image")) encode("vae/act/image", true);
    if (golden_.has("vae/act/z")) decode("vae/act/z", true);
  }

  void check(const std::string& name, const TapeOutput& output) {
    if (!golden_.has(name)) return;
    compare_values(name, golden_.dims(name).size() == 4
                             ? to_channels_first(output.values, output.shape)
                             : output.values);
  }

  void compare_values(const std::string& name, const std::vector<float>& got) {
    report_.comparisons.push_back(
        compare(name, got, golden_.values(name), network_bound(options_, golden_, name)));
  }

  // The first half of the encoder's channels, and the second.
  void mean(const std::string& name, const TapeOutput& output) {
    compare_values(name, split_moments(output.values, output.shape).mean);
  }
  void moments(const TapeOutput& output) {
    const Moments moments = split_moments(output.values, output.shape);
    compare_values("vae/mean", moments.mean);
    compare_values("vae/logvar", moments.log_variance);
  }

 private:
  bool watched(const std::string& part, std::string_view path) const {
    return path.starts_with(part + ".") &&
           golden_.has(part + "/act/" + std::string(path.substr(part.size() + 1)));
  }

  void check_taps(const std::string& part, const std::vector<TapeOutput>& outputs) {
    for (std::size_t i = 1; i < outputs.size(); ++i) {
      check(part + "/act/" + outputs[i].path.substr(part.size() + 1), outputs[i]);
    }
  }

  // The row of the first end token, which has the largest id.
  void pooled(const TapeOutput& last) {
    if (!golden_.has("text/pooled")) return;
    const std::vector<float> ids = golden_.values("text/ids");
    const std::size_t tokens = last.shape.width, channels = last.shape.channels;
    std::vector<float> rows;
    for (std::size_t prompt = 0; prompt < last.shape.batch; ++prompt) {
      const auto begin = ids.begin() + std::ptrdiff_t(prompt * tokens);
      const auto end_token = std::max_element(begin, begin + std::ptrdiff_t(tokens));
      const std::size_t row = prompt * tokens + std::size_t(end_token - begin);
      const auto from = last.values.begin() + std::ptrdiff_t(row * channels);
      rows.insert(rows.end(), from, from + std::ptrdiff_t(channels));
    }
    compare_values("text/pooled", rows);
  }

  const VerifyOptions& options_;
  Pipeline::Parts& parts_;
  const GoldenFolder& golden_;
  Report& report_;
  Weights weights_;
};

// Every eighth pixel, a corner and row means of a large picture, as the golden file keeps them.
void compare_large_picture(NetworkCheck& check, const TapeOutput& picture) {
  const Shape shape = picture.shape;
  const auto at = [&](std::size_t c, std::size_t y, std::size_t x) {
    return picture.values[(y * shape.width + x) * shape.channels + c];
  };
  std::vector<float> strided, corner, means;
  constexpr std::size_t kCorner = 24;
  for (std::size_t c = 0; c < shape.channels; ++c) {
    for (std::size_t y = 3; y < shape.height; y += 8) {
      for (std::size_t x = 5; x < shape.width; x += 8) strided.push_back(at(c, y, x));
    }
    for (std::size_t y = shape.height - kCorner; y < shape.height; ++y) {
      for (std::size_t x = shape.width - kCorner; x < shape.width; ++x) {
        corner.push_back(at(c, y, x));
      }
    }
    for (std::size_t y = 0; y < shape.height; ++y) {
      double sum = 0;
      for (std::size_t x = 0; x < shape.width; ++x) sum += at(c, y, x);
      means.push_back(float(sum / shape.width));
    }
  }
  check.compare_values("decoded_strided", strided);
  check.compare_values("decoded_corner", corner);
  check.compare_values("decoded_row_means", means);
}

}  // namespace

double network_bound(const VerifyOptions& options, const GoldenFolder& golden,
                     const std::string& name) {
  constexpr double kHalfDefault = 1e-2;
  if (!options.half()) return 1e-5;
  const double error = golden.half_error(name);
  return error > 0 ? std::max(2e-3, 3 * error) : kHalfDefault;
}

void verify_networks(const VerifyOptions& options, Pipeline& pipeline, const GoldenFolder& golden,
                     const std::filesystem::path& folder, Report& report) {
  NetworkCheck check(options, pipeline, golden, report);
  const std::filesystem::path tokens = folder / "tokens.json";
  if (options.wants("tokens") && std::filesystem::exists(tokens)) check.tokens(tokens);
  if (options.wants("text")) check.text();
  if (options.wants("unet")) check.unet_calls();
  if (options.wants("vae")) check.autoencoder();
}

void verify_large(const VerifyOptions& options, Pipeline& pipeline, const GoldenFolder& golden,
                  const std::filesystem::path& folder, Report& report) {
  const GoldenFolder large(folder, "golden_large.safetensors", "tolerance_large.json");
  NetworkCheck check(options, pipeline, large, report);
  check.unet_call("", "unet_out", check.context_of(golden, {0, 1}));
  TapeOutput picture = check.decode("z", false);
  compare_large_picture(check, picture);
  for (float& value : picture.values) value = std::clamp(value, -1.0f, 1.0f);
  check.mean("encode_of_clamped_decoded_mean", check.encode(picture.shape, picture.values, false));
}

}  // namespace kiln::app
