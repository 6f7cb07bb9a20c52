// Reads .safetensors files: a JSON header and the tensors' bytes, one after another.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "runtime/weights/element_type.h"
#include "runtime/weights/weight_source.h"

namespace kiln {

// strict: what the reference reader accepts (huggingface/safetensors, safetensors/src/tensor.rs):
// tensors lie side by side, without holes or overlaps, and end where the file ends.
// lenient: every tensor must lie inside the file; the rest is told in warnings().
enum class Strictness { strict, lenient };

// Largest header accepted, as in the reference reader.
inline constexpr std::uint64_t kLargestSafetensorsHeader = 100'000'000;

class Safetensors final : public WeightSource {
 public:
  // Throws Error "[file] ..." for anything wrong with the header. A tensor of a type this program
  // does not read (F8_E4M3, U64, ...) is listed; find() and read() refuse it by name.
  static std::shared_ptr<const Safetensors> open(const std::filesystem::path& path,
                                                 Strictness strictness = Strictness::strict);
  // From memory that outlives the result, or is kept alive by owner.
  static std::shared_ptr<const Safetensors> parse(std::span<const std::byte> file,
                                                  std::string description,
                                                  Strictness strictness = Strictness::strict,
                                                  std::shared_ptr<const void> owner = nullptr);

  std::string description() const override { return description_; }
  std::vector<std::string> names() const override;
  std::optional<TensorInfo> find(std::string_view name) const override;
  void read(std::string_view name, std::span<std::byte> out) const override;

  // The bytes where they lie in the file.
  std::span<const std::byte> bytes(std::string_view name) const;
  // The texts of "__metadata__".
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  // What a strict reader would have refused.
  const std::vector<std::string>& warnings() const { return warnings_; }

  struct Entry {
    const ElementType* type = nullptr;
    std::vector<std::int64_t> dims;
    std::uint64_t begin = 0, end = 0;  // byte range in the data that follows the header
  };
  using Entries = std::map<std::string, Entry, std::less<>>;

 private:
  Safetensors() = default;
  void check_layout(Strictness strictness);
  void check_sizes() const;
  void complain(Strictness strictness, const std::string& what);
  const Entry& readable(std::string_view name) const;

  std::string description_;
  std::shared_ptr<const void> owner_;
  std::span<const std::byte> data_;
  Entries entries_;
  std::map<std::string, std::string> metadata_;
  std::vector<std::string> warnings_;
};

// True when the first bytes look like a .safetensors file (a length, then '{').
bool looks_like_safetensors(std::span<const std::byte> file);

}  // namespace kiln
