// What folder and single-file models share: detection, checks, the hash, the synthetic model.
#include "models/families/model.h"

#include <cstdlib>
#include <filesystem>
#include <span>
#include <vector>

#include "models/families/open_model.h"
#include "runtime/base/align.h"
#include "runtime/base/error.h"
#include "runtime/weights/json_file.h"
#include "runtime/weights/synthetic.h"

namespace kiln {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kHashedTensorBytes = 1 << 20;
constexpr std::string_view kSynthetic = "synthetic:";
constexpr std::uint64_t kSyntheticSeed = 0;

// FNV-1a, 64 bits: http://www.isthe.com/chongo/tech/comp/fnv.
class Hash {
 public:
  void add(std::span<const std::byte> bytes) {
    for (const std::byte byte : bytes) value_ = (value_ ^ std::uint64_t(byte)) * 0x100000001b3ull;
  }
  std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 0xcbf29ce484222325ull;
};

// Parts of one model must fit each other, whatever their files say.
void check_model(const Model& model) {
  if (model.unet.context_channels != model.text.channels) {
    fail(model.path, "the UNet wants text embeddings {} wide, the text encoder makes {}",
         model.unet.context_channels, model.text.channels);
  }
  if (model.unet.in_channels != model.vae.latent_channels) {
    fail(model.path,
         "the UNet has {} input channels, the autoencoder {} latent channels; "
         "inpainting and depth models are not supported yet",
         model.unet.in_channels, model.vae.latent_channels);
  }
  if (model.unet.out_channels != model.vae.latent_channels) {
    fail(model.path, "the UNet has {} output channels, the autoencoder {} latent channels",
         model.unet.out_channels, model.vae.latent_channels);
  }
  if (model.tokenizer.size() > model.text.vocabulary) {
    fail(model.path, "the tokenizer has {} entries, the text encoder knows {}",
         model.tokenizer.size(), model.text.vocabulary);
  }
}

}  // namespace

void read_tokenizer(const fs::path& folder, Model& model) {
  for (const char* file : {"vocab.json", "merges.txt"}) {
    if (!fs::exists(folder / file)) fail(folder.string(), "the tokenizer's {} is missing", file);
  }
  model.tokenizer = Tokenizer::load(folder / "vocab.json", folder / "merges.txt");
  model.pad_id = model.tokenizer.end_id();
  const fs::path settings = folder / "tokenizer_config.json";
  if (!fs::exists(settings)) return;
  const Config config = Config::read(settings);
  // The padding token is a word, or an object with the word as its content.
  if (!config.has("pad_token")) return;
  const std::string word = config.is_text("pad_token")
                               ? config.text("pad_token")
                               : config.section("pad_token").text("content");
  const auto id = model.tokenizer.find(word);
  if (!id) fail(settings.string(), "pad_token '{}' is not in the vocabulary", word);
  model.pad_id = *id;
}

Model open_model(const std::string& path, const OpenOptions& options) {
  if (path.starts_with(kSynthetic)) {
    return synthetic_model(std::string_view(path).substr(kSynthetic.size()), kSyntheticSeed);
  }
  if (!fs::exists(path)) fail(path, "no such file or folder");
  Model model = fs::is_directory(path) ? open_folder_model(path, options)
                                       : open_single_file_model(path, options);
  model.family = model.unet.linear_projection ? "sd2" : "sd1";
  check_model(model);
  return model;
}

Model synthetic_model(std::string_view name, std::uint64_t seed) {
  if (name == "sdxl") {
    fail_usage("--model",
               "synthetic:sdxl: the networks of SDXL are not built yet; the shapes of its kernels "
               "are in `kiln bench kernels --set sdxl-1024`");
  }
  if (name != "sd15") fail_usage("--model", "synthetic:{} is not known; known: sd15", name);
  Model model;
  model.path = std::string(kSynthetic) + std::string(name);
  model.family = "sd1";
  model.weights = std::make_shared<Synthetic>(seed);
  model.tokenizer = Tokenizer::bytes_only(model.text.vocabulary);
  model.pad_id = model.tokenizer.end_id();
  return model;
}

std::string Model::hash() const {
  Hash hash;
  std::vector<std::byte> bytes;
  for (const std::string& name : weights->names()) {
    const TensorInfo info = *weights->find(name);
    hash.add(std::as_bytes(std::span(name)));
    hash.add(std::as_bytes(std::span(info.dims)));
    hash.add(std::as_bytes(std::span(&info.dtype, 1)));
    const std::uint64_t size = checked_elements(info.dims).value_or(0) * size_bytes(info.dtype);
    if (size > kHashedTensorBytes) continue;
    bytes.resize(size);
    weights->read(name, bytes);
    hash.add(bytes);
  }
  return fmt::format("{:016x}", hash.value());
}

std::string user_data_folder() {
  const char* data = std::getenv("XDG_DATA_HOME");
  const char* home = std::getenv("HOME");
  fs::path base = data != nullptr && *data != '\0' ? fs::path(data)
                                                   : fs::path(home ? home : ".") / ".local/share";
  return (base / "kiln").string();
}

std::string user_vocabulary_folder() { return (fs::path(user_data_folder()) / "clip").string(); }

}  // namespace kiln
