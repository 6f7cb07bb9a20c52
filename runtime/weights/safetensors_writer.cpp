// write_safetensors. Source of the layout: huggingface/safetensors, safetensors/src/tensor.rs.
#include "runtime/weights/safetensors_writer.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <tuple>

#include "runtime/base/align.h"
#include "runtime/base/error.h"
#include "runtime/weights/in_quotes.h"
#include "runtime/weights/output_file.h"

namespace kiln {
namespace {

using OrderedJson = nlohmann::ordered_json;

std::string header_text(std::span<const TensorToWrite> tensors,
                        const std::map<std::string, std::string>& metadata,
                        std::string_view place) {
  OrderedJson header = OrderedJson::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::uint64_t offset = 0;
  for (const TensorToWrite& tensor : tensors) {
    const auto elements = checked_elements(tensor.dims);
    if (!elements || checked_product(*elements, size_bytes(tensor.dtype)) != tensor.bytes.size()) {
      fail(place, "tensor {} does not have the bytes its shape needs", in_quotes(tensor.name));
    }
    if (tensor.name == "__metadata__" || header.contains(tensor.name)) {
      fail(place, "tensor name {} is taken", in_quotes(tensor.name));
    }
    const std::uint64_t end = offset + tensor.bytes.size();
    header[tensor.name] = {
        {"dtype", to_text(tensor.dtype)}, {"shape", tensor.dims}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  // Metadata may quote a prompt with damaged UTF-8: replaced rather than refused.
  std::string text = header.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
  text.resize(align_up(text.size(), 8), ' ');
  return text;
}

}  // namespace

void write_safetensors(const std::filesystem::path& path, std::vector<TensorToWrite> tensors,
                       const std::map<std::string, std::string>& metadata) {
  std::stable_sort(tensors.begin(), tensors.end(),
                   [](const TensorToWrite& a, const TensorToWrite& b) {
                     return std::tuple(size_bytes(b.dtype), std::string_view(a.name)) <
                            std::tuple(size_bytes(a.dtype), std::string_view(b.name));
                   });
  const std::string header = header_text(tensors, metadata, path.native());
  std::array<std::byte, 8> length{};
  for (std::size_t i = 0; i < length.size(); ++i) {
    length[i] = static_cast<std::byte>((std::uint64_t(header.size()) >> (8 * i)) & 0xff);
  }
  OutputFile file(path);
  file.write(length);
  file.write(std::as_bytes(std::span(header)));
  for (const TensorToWrite& tensor : tensors) file.write(tensor.bytes);
  file.commit();
}

}  // namespace kiln
