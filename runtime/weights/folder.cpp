// Component folders: which file to take, and shards behind one interface.
#include "runtime/weights/folder.h"

#include <map>
#include <vector>

#include "runtime/base/error.h"
#include "runtime/weights/in_quotes.h"
#include "runtime/weights/json_text.h"
#include "runtime/weights/open_weights.h"

namespace kiln {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostShards = 1000;

class Sharded final : public WeightSource {
 public:
  Sharded(std::string description, std::map<std::string, WeightSourcePtr, std::less<>> tensors)
      : description_(std::move(description)), tensors_(std::move(tensors)) {}

  std::string description() const override { return description_; }
  std::vector<std::string> names() const override {
    std::vector<std::string> names;
    names.reserve(tensors_.size());
    for (const auto& item : tensors_) names.push_back(item.first);
    return names;
  }
  std::optional<TensorInfo> find(std::string_view name) const override {
    const auto found = tensors_.find(name);
    return found == tensors_.end() ? std::nullopt : found->second->find(name);
  }
  void read(std::string_view name, std::span<std::byte> out) const override {
    const auto found = tensors_.find(name);
    if (found == tensors_.end()) fail(description_, "has no tensor {}", in_quotes(name));
    found->second->read(name, out);
  }

 private:
  std::string description_;
  std::map<std::string, WeightSourcePtr, std::less<>> tensors_;
};

// A shard lies beside its index: anything that could lead elsewhere is refused.
bool is_plain_name(const std::string& name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos &&
         name.find('\0') == std::string::npos;
}

std::map<std::string, std::string> read_weight_map(const fs::path& index_file) {
  const nlohmann::json index = read_json(index_file, {std::uint64_t(64) << 20, 16});
  const auto map = index.is_object() ? index.find("weight_map") : index.end();
  if (map == index.end() || !map->is_object()) {
    fail(index_file.native(), "has no weight_map");
  }
  std::map<std::string, std::string> shard_of;
  for (const auto& [tensor, shard] : map->items()) {
    if (!shard.is_string() || !is_plain_name(shard.get_ref<const std::string&>())) {
      fail(index_file.native(), "places tensor {} in something that is no file name",
           in_quotes(tensor));
    }
    shard_of.emplace(tensor, shard.get<std::string>());
  }
  if (shard_of.empty()) fail(index_file.native(), "lists no tensors");
  return shard_of;
}

// File names to try for one stem and variant, best first.
std::vector<std::string> file_names(const std::string& stem, const std::string& variant) {
  if (variant.empty()) {
    return {stem + ".safetensors", stem + ".safetensors.index.json", stem + ".bin",
            stem + ".bin.index.json"};
  }
  return {fmt::format("{}.{}.safetensors", stem, variant),
          fmt::format("{}.safetensors.index.{}.json", stem, variant),
          fmt::format("{}.{}.safetensors.index.json", stem, variant),
          fmt::format("{}.{}.bin", stem, variant)};
}

}  // namespace

WeightSourcePtr open_sharded(const fs::path& index_file, const WeightChoice& choice) {
  const auto shard_of = read_weight_map(index_file);
  std::map<std::string, WeightSourcePtr> shards;
  std::map<std::string, WeightSourcePtr, std::less<>> tensors;
  for (const auto& [tensor, shard] : shard_of) {
    WeightSourcePtr& source = shards[shard];
    if (shards.size() > kMostShards) {
      fail(index_file.native(), "names more than {} shards", kMostShards);
    }
    const fs::path path = index_file.parent_path() / shard;
    if (!source) {
      if (!fs::is_regular_file(path)) {
        fail(index_file.native(), "names the shard {}, which is missing", in_quotes(shard));
      }
      source = open_weights(path, choice);
    }
    if (!source->find(tensor)) {
      fail(index_file.native(), "places tensor {} in {}, which does not hold it", in_quotes(tensor),
           in_quotes(shard));
    }
    tensors.emplace(tensor, source);
  }
  return std::make_shared<Sharded>(index_file.native(), std::move(tensors));
}

WeightSourcePtr open_component_folder(const fs::path& folder, const WeightChoice& choice) {
  const std::string other = choice.variant.empty() ? "fp16" : "";
  for (const std::string& variant : {choice.variant, other}) {
    for (const char* stem : {"diffusion_pytorch_model", "model", "pytorch_model"}) {
      for (const std::string& name : file_names(stem, variant)) {
        const fs::path path = folder / name;
        std::error_code error;
        if (!fs::is_regular_file(path, error)) continue;
        return name.ends_with(".json") ? open_sharded(path, choice) : open_weights(path, choice);
      }
    }
  }
  fail(folder.native(),
       "holds no weights (looked for diffusion_pytorch_model.safetensors, model.safetensors, "
       "their shards and .bin files)");
}

}  // namespace kiln
