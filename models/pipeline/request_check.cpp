// The ranges, one function a group of fields.
#include "models/pipeline/request_check.h"

#include <cmath>

#include "runtime/base/error.h"

namespace kiln {
namespace {

void check_side(std::string_view name, std::uint32_t pixels, std::uint32_t multiple) {
  if (pixels < multiple || pixels > kLargestSide || pixels % multiple != 0) {
    fail_usage(name, "is {} pixels, expected a multiple of {} from {} to {}", pixels, multiple,
               multiple, kLargestSide);
  }
}

void check_range(std::string_view name, double value, double least, double most) {
  if (!(value >= least && value <= most)) {  // also refuses NaN
    fail_usage(name, "is {}, expected {} to {}", value, least, most);
  }
}

}  // namespace

void check_size(std::uint32_t width, std::uint32_t height, const Model& model) {
  check_side("width", width, model.vae.downscale());
  check_side("height", height, model.vae.downscale());
}

void check_images(std::uint32_t images) { check_range("images", images, 1, kMostImages); }

void check_sampling(const SamplerSettings& sampling) {
  check_range("steps", sampling.steps, 1, kMostSteps);
  check_range("guidance (cfg scale)", sampling.guidance, -1000, 1000);
  check_range("guidance rescale", sampling.guidance_rescale, 0, 1);
  if (sampling.eta) check_range("eta", *sampling.eta, 0, 1);
}

void check_strength(float strength) { check_range("strength", strength, 0, 1); }

void check_clip_skip(std::uint32_t clip_skip, const Model& model) {
  check_range("clip skip", clip_skip, 1, model.text.layers);
}

void check_request(const Request& request, const Model& model) {
  check_size(request.width, request.height, model);
  check_images(request.images);
  check_clip_skip(request.clip_skip, model);
  check_sampling(request.sampling);
  if (request.image != nullptr) check_strength(request.strength);
}

}  // namespace kiln
