// Latents to and from safetensors.
#include "models/pipeline/latents_file.h"

#include <array>
#include <span>

#include "runtime/base/error.h"
#include "runtime/weights/open_weights.h"
#include "runtime/weights/safetensors_writer.h"
#include "runtime/weights/weights.h"

namespace kiln {
namespace {

constexpr const char* kName = "latents";
constexpr std::array<std::int64_t, 4> kMost = {64, 64, 4096, 4096};

}  // namespace

void save_latents(const std::filesystem::path& path, const Latents& latents) {
  TensorToWrite tensor;
  tensor.name = kName;
  tensor.dims = {latents.images, latents.channels, latents.height, latents.width};
  tensor.bytes = std::as_bytes(std::span(latents.values));
  write_safetensors(path, {tensor});
}

Latents load_latents(const std::filesystem::path& path) {
  const WeightSourcePtr source = open_weights(path);
  const auto info = source->find(kName);
  if (!info) fail(path.string(), "holds no tensor '{}'", kName);
  if (info->dims.size() != kMost.size()) {
    fail(path.string(), "'{}' is {}, expected images x channels x height x width", kName,
         dims_text(info->dims));
  }
  for (std::size_t i = 0; i < kMost.size(); ++i) {
    if (info->dims[i] < 1 || info->dims[i] > kMost[i]) {
      fail(path.string(), "'{}' is {}, expected at most {}", kName, dims_text(info->dims),
           dims_text(kMost));
    }
  }
  return {.images = std::uint32_t(info->dims[0]),
          .channels = std::uint32_t(info->dims[1]),
          .height = std::uint32_t(info->dims[2]),
          .width = std::uint32_t(info->dims[3]),
          .values = read_as_f32(*source, kName)};
}

}  // namespace kiln
