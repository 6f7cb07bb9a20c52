// Reads what torch.save writes (.ckpt, .pt, .bin): a ZIP archive with a pickle and raw storages.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "runtime/weights/weight_source.h"
#include "runtime/weights/zip_archive.h"

namespace kiln {

// Nothing in the file is executed. Names are the keys of the dictionary "state_dict" where the file
// has one, else of the outermost dictionary; tensors in inner dictionaries get "outer.inner".
// Whatever is not a tensor is passed over. A tensor that cannot be read (unknown element type,
// storage missing or too small) is listed; find() and read() say what is wrong with it.
class Checkpoint final : public WeightSource {
 public:
  // Throws Error "[file] ..." for a damaged archive or pickle, one made on a big-endian machine,
  // and one that holds no tensors.
  static std::shared_ptr<const Checkpoint> open(const std::filesystem::path& path);
  // From memory that outlives the result, or is kept alive by owner.
  static std::shared_ptr<const Checkpoint> parse(std::span<const std::byte> file,
                                                 std::string description,
                                                 std::shared_ptr<const void> owner = nullptr);

  std::string description() const override { return description_; }
  std::vector<std::string> names() const override;
  std::optional<TensorInfo> find(std::string_view name) const override;
  void read(std::string_view name, std::span<std::byte> out) const override;

  struct Entry {
    DType dtype = DType::f32;
    std::vector<std::int64_t> dims, strides;
    std::uint64_t offset_bytes = 0;
    const ZipEntry* storage = nullptr;  // null for an empty tensor
    std::string problem;                // not empty: why it cannot be read
  };

 private:
  Checkpoint() = default;
  const Entry& readable(std::string_view name) const;

  std::string description_;
  std::shared_ptr<const void> owner_;
  ZipArchive archive_;
  std::map<std::string, Entry, std::less<>> entries_;
};

}  // namespace kiln
