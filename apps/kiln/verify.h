// The parts of `kiln verify`: each checks one kind of golden folder and adds to the report.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "apps/kiln/golden.h"
#include "models/pipeline/kiln.h"
#include "runtime/graph/shape.h"

namespace kiln::app {

struct VerifyOptions {
  std::string device;
  std::vector<std::string> avoid = {};  // kernels, by full name
  std::vector<std::string> only = {};   // parts of names of golden cases; empty: all cases
  Precision precision = Precision::f32;
  bool half() const { return precision == Precision::f16; }
  bool wants(std::string_view name) const;
};

// Every kernel against double. Prints a table, or JSON; writes the list of kernels to avoid on this
// driver. Throws Error naming the kernels that are wrong.
void run_self_test(const VerifyOptions& options, bool json);

struct BisectOptions {
  std::string model;
  std::uint32_t width = 64, height = 64;  // pixels
  bool json = false;
};
// A model's networks node by node against double. Throws Error naming the first that differs.
void run_bisect(const VerifyOptions& options, const BisectOptions& bisect);

// Bounds of tests/golden/README.md.
double network_bound(const VerifyOptions& options, const GoldenFolder& golden,
                     const std::string& name);
double pipeline_bound(const VerifyOptions& options, const GoldenFolder& golden,
                      const std::string& name);

// What the encoder says of a picture, in PyTorch's order; the log variance is clamped.
struct Moments {
  std::vector<float> mean, log_variance;
};
// values: channels last, [mean | log variance].
Moments split_moments(const std::vector<float>& values, const Shape& shape);

// Tokens, text encoder, UNet, autoencoder of a model against a folder's tensors.
void verify_networks(const VerifyOptions& options, Pipeline& pipeline, const GoldenFolder& golden,
                     const std::filesystem::path& folder, Report& report);
// The same networks at ordinary picture sizes (golden_large.safetensors).
void verify_large(const VerifyOptions& options, Pipeline& pipeline, const GoldenFolder& golden,
                  const std::filesystem::path& folder, Report& report);
// Text to image with every scheduler of golden.json.
void verify_pipelines(const VerifyOptions& options, Pipeline& pipeline, const GoldenFolder& golden,
                      Report& report);
void verify_image_to_image(const VerifyOptions& options, const std::filesystem::path& folder,
                           Report& report);
void verify_operations(const VerifyOptions& options, const std::filesystem::path& folder,
                       Report& report);
void verify_schedulers(const VerifyOptions& options, const std::filesystem::path& folder,
                       Report& report);
void verify_random(const VerifyOptions& options, const std::filesystem::path& folder,
                   Report& report);

}  // namespace kiln::app
