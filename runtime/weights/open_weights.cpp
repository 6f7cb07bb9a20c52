// open_weights: first bytes to format. A new format adds a line to the table.
#include "runtime/weights/open_weights.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "runtime/base/error.h"
#include "runtime/weights/checkpoint.h"
#include "runtime/weights/mapped_file.h"
#include "runtime/weights/safetensors.h"

namespace kiln {
namespace {

using namespace std::string_view_literals;

using Parse = WeightSourcePtr (*)(std::span<const std::byte> file, const std::string& description,
                                  std::shared_ptr<const void> owner);

WeightSourcePtr parse_checkpoint(std::span<const std::byte> file, const std::string& description,
                                 std::shared_ptr<const void> owner) {
  return Checkpoint::parse(file, description, std::move(owner));
}

struct KnownStart {
  std::string_view bytes;
  std::string_view what;  // for the message
  Parse parse = nullptr;  // null: known, not read
};

constexpr std::array kStarts = {
    KnownStart{"PK\3\4"sv, "a ZIP archive"sv, parse_checkpoint},
    KnownStart{"GGUF"sv, "a GGUF file"sv},
    KnownStart{"ggml"sv, "a GGML file"sv},
    KnownStart{"\x80\x02\x8a\x0a"sv, "a PyTorch file of the format before 1.6"sv},
    KnownStart{"\x80"sv, "a bare Python pickle"sv},
    KnownStart{"version https://git-lfs"sv, "a Git LFS pointer, not the file it points to"sv},
    KnownStart{"<"sv, "a web page or XML"sv},
    KnownStart{"\x1f\x8b"sv, "a gzip archive"sv},
    KnownStart{"\x89PNG"sv, "a PNG picture"sv},
    KnownStart{"\x89HDF"sv, "an HDF5 file"sv},
    KnownStart{"ONNX"sv, "an ONNX file"sv},
};

std::string first_bytes(std::span<const std::byte> file) {
  std::string text;
  for (const std::byte byte : file.first(std::min<std::size_t>(file.size(), 8))) {
    text += fmt::format("{}{:02x}", text.empty() ? "" : " ", std::to_integer<unsigned>(byte));
  }
  return text;
}

}  // namespace

WeightSourcePtr parse_weights(std::span<const std::byte> file, const std::string& description,
                              const WeightChoice& choice, std::shared_ptr<const void> owner) {
  constexpr std::string_view kSupported = "supported are .safetensors and PyTorch 1.6+ checkpoints";
  if (file.empty()) fail(description, "is empty");
  if (looks_like_safetensors(file)) {
    const auto strictness = choice.lenient ? Strictness::lenient : Strictness::strict;
    auto source = Safetensors::parse(file, description, strictness, std::move(owner));
    for (const std::string& warning : source->warnings()) {
      if (choice.warn) choice.warn(fmt::format("[{}] {}", description, warning));
    }
    return source;
  }
  const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  for (const KnownStart& start : kStarts) {
    if (!text.starts_with(start.bytes)) continue;
    if (start.parse != nullptr) return start.parse(file, description, std::move(owner));
    fail(description, "is {}; {}", start.what, kSupported);
  }
  fail(description, "is of an unknown format (its first bytes are {}); {}", first_bytes(file),
       kSupported);
}

WeightSourcePtr open_weights(const std::filesystem::path& path, const WeightChoice& choice) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return open_component_folder(path, choice);
  const auto file = MappedFile::open(path);
  return parse_weights(file->bytes(), path.native(), choice, file);
}

}  // namespace kiln
