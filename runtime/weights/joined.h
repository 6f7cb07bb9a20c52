// A source made of several, each under a prefix.
#pragma once

#include <string>
#include <vector>

#include "runtime/weights/weight_source.h"

namespace kiln {

// "unet." + source, "vae." + source ...: tensor "unet.conv_in.weight" is "conv_in.weight" of the
// first. The longest prefix that fits a name decides.
class Joined final : public WeightSource {
 public:
  struct Part {
    std::string prefix;  // with its dot
    WeightSourcePtr source;
  };
  // Throws Error when two parts have one prefix.
  Joined(std::string description, std::vector<Part> parts);

  std::string description() const override { return description_; }
  std::vector<std::string> names() const override;
  std::optional<TensorInfo> find(std::string_view name) const override;
  void read(std::string_view name, std::span<std::byte> out) const override;
  bool accepts_any_shape(std::string_view name) const override;
  void read_shaped(std::string_view name, std::span<const std::int64_t> dims,
                   std::span<std::byte> out) const override;
  std::string name_in_file(std::string_view name) const override;

 private:
  const Part* part(std::string_view name) const;
  const Part& needed_part(std::string_view name) const;

  std::string description_;
  std::vector<Part> parts_;  // longest prefix first
};

}  // namespace kiln
