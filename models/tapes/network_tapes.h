// A model's networks as tapes that runtime/verification can run on a device and on the CPU.
#pragma once

#include <vector>

#include "models/families/model.h"
#include "runtime/verification/node_check.h"

namespace kiln {

struct NetworkSize {
  std::uint32_t width = 64, height = 64;  // pixels; multiples of VaeConfig::downscale()
  std::uint32_t images = 1;               // batch of the UNet
};

// Text encoder, one evaluation of the UNet, and the decoder up to 8-bit pixels, in that order, on
// inputs of plausible size made by an integer hash. model: outlives the tapes. Recording throws
// Error listing all tensors the model lacks.
std::vector<Tape> network_tapes(const Model& model, DType element, const NetworkSize& size = {});

}  // namespace kiln
