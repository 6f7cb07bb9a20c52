// What a PNG says of how it was made: A1111's text for people and programs, ours to repeat it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "models/pipeline/kiln.h"
#include "models/pipeline/png_text.h"

namespace kiln {

// The two texts of picture `index` of a request: "parameters" as A1111 writes it, and "kiln", JSON
// with every field of the request and with the device, driver and model it ran on.
std::vector<PngText> picture_text(const Request& request, std::uint32_t index,
                                  const PipelineInfo& info);

struct Reproduction {
  Request request;          // for this one picture; without image and progress
  PipelineInfo info;        // as stored
  bool from_image = false;  // made by image to image, whose input is not stored
};

// From our own text, else from A1111's. Throws Error when the file holds neither.
Reproduction read_reproduction(const std::filesystem::path& png);

}  // namespace kiln
